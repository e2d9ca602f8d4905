"""What the instances tell of their spools while the broker is away: readiness and metrics."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_ANSWER_SECONDS = 5.0


@dataclass(slots=True)
class Told:
    """The most that one instance told.

    Attributes:
        looks: how often it answered.
        silent: how often it did not say that it spools, or was not ready.
        records, bytes, oldest_s: the most that ``/readyz`` told.
        metric_records, metric_bytes, metric_oldest_s: the most that ``/metrics`` told.
    """

    looks: int = 0
    silent: int = 0
    records: int = 0
    bytes: int = 0
    oldest_s: float = 0.0
    metric_records: float = 0.0
    metric_bytes: float = 0.0
    metric_oldest_s: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether both told how much and how old."""
        figures = (self.records, self.bytes, self.oldest_s)
        metrics = (self.metric_records, self.metric_bytes, self.metric_oldest_s)
        return self.looks > 0 and not self.silent and all(figures) and all(metrics)


class Looking:
    """Asks instances.

    Args:
        urls: of the instances.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self.told = [Told() for _ in urls]
        self._was_ready = [False] * len(urls)

    def look(self) -> None:
        """Note what the instances say that answer: one that was just killed does not.

        Until it is ready for the first time an answer does not count: one that has just started
        does not know yet whether there is a broker.
        """
        for number, url in enumerate(self._urls):
            try:
                ready = _get(f"{url}/readyz")
                metrics = _get(f"{url}/metrics").decode()
            except OSError:
                self._was_ready[number] = False
                continue
            told = self.told[number]
            said: dict[str, Any] = json.loads(ready)
            spooling = said.get("spooling", {})
            if not self._was_ready[number]:
                self._was_ready[number] = said["status"] == "ready"
                continue
            told.looks += 1
            told.silent += not spooling or said["status"] != "ready"
            told.records = max(told.records, spooling.get("records", 0))
            told.bytes = max(told.bytes, spooling.get("bytes", 0))
            told.oldest_s = max(told.oldest_s, spooling.get("oldest_s", 0.0))
            told.metric_records = max(told.metric_records, _sum(metrics, "lakehouse_spool_records"))
            told.metric_bytes = max(told.metric_bytes, _sum(metrics, "lakehouse_spool_bytes"))
            told.metric_oldest_s = max(
                told.metric_oldest_s, _sum(metrics, "lakehouse_spool_oldest_age_seconds")
            )

    def spooling(self) -> list[dict[str, Any]]:
        """What those that answer say of their spool; one that does not answer is not done."""
        found = []
        for url in self._urls:
            try:
                said: dict[str, Any] = json.loads(_get(f"{url}/readyz"))
            except OSError as error:
                found.append({"reason": f"no answer: {error}"})
                continue
            if said["status"] != "ready" or "spooling" in said:
                found.append(said)
        return found

    def replayed(self) -> float:
        """Records that the instances that answer have sent from their spools since they started."""
        total = 0.0
        for url in self._urls:
            try:
                total += _sum(_get(f"{url}/metrics").decode(), "lakehouse_spool_replayed_total")
            except OSError:
                continue
        return total


def wait(
    seconds: float,
    done: Callable[[], object],
    what: str,
    meanwhile: Callable[[], None] = lambda: None,
) -> float:
    """Wait until ``done()``; seconds that it took.

    Raises:
        TimeoutError: not in time; says what.
    """
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        meanwhile()
        time.sleep(0.1)
    return time.monotonic() - began


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    return body


def _sum(metrics: str, name: str) -> float:
    return sum(
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith((f"{name}{{", f"{name} "))
    )
