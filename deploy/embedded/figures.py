"""What the platform costs and moves: memory, records per second and lag of each process.

Read from outside, from the kernel and from ``/metrics``, a few milliseconds a time.
"""

from __future__ import annotations

import urllib.request
from collections import defaultdict
from dataclasses import dataclass

from deploy.embedded.ports import HOST
from deploy.embedded.processes import memory_bytes
from deploy.embedded.state import PlatformState, ProcessState

_TIMEOUT_SECONDS = 0.5
_RECEIVED = "lakehouse_events_received_total"
_HIGH = "redpanda_kafka_max_offset"
_COMMITTED = "redpanda_kafka_consumer_group_committed_offset"


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one process; ``None`` where it has no such figure or it is not known yet.

    Attributes:
        memory_bytes: PSS (RSS where the kernel does not tell PSS).
        received_per_second: records or deliveries taken in since the last sample.
        lag: records not yet committed by the consumer group; on the group's first process.
    """

    memory_bytes: int
    received_per_second: float | None
    lag: int | None


class Meter:
    """Takes samples; rates come from the sample before."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, float]] = {}

    def sample(
        self, platform: PlatformState, services: tuple[str, ...], now: float
    ) -> dict[str, Figures]:
        """Figures by process name.

        Args:
            platform: what runs.
            services: names of those with ``/metrics`` on their port; the group is named alike.
            now: monotonic seconds.
        """
        lags = _lags(platform)
        figures = {}
        for process in platform.processes:
            running = bool(process.pid) and process.condition not in ("stopped", "done", "waiting")
            serves = running and process.service in services
            first = process.service in services and process.replica == 0
            figures[process.name] = Figures(
                memory_bytes=memory_bytes(process.pid) if running else 0,
                received_per_second=self._rate(process, now) if serves else None,
                lag=lags.get(process.service) if first else None,
            )
        return figures

    def _rate(self, process: ProcessState, now: float) -> float | None:
        samples = _scrape(process.metrics_port, "/metrics")
        total = sum(value for name, _, value in samples if name == _RECEIVED)
        then = self._before.get(process.name)
        self._before[process.name] = (now, total)
        if then is None or now <= then[0] or total < then[1]:
            return None
        return (total - then[1]) / (now - then[0])


def _lags(platform: PlatformState) -> dict[str, int]:
    """Lag by consumer group; the environment's prefix is cut off."""
    port = next((each.metrics_port for each in platform.processes if each.name == "broker"), None)
    high: dict[tuple[str, str], float] = {}
    committed: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for name, labels, value in _scrape(port, "/public_metrics"):
        place = (labels.get("redpanda_topic", ""), labels.get("redpanda_partition", ""))
        if name == _HIGH:
            high[place] = value
        elif name == _COMMITTED:
            committed[labels.get("redpanda_group", "").rpartition(".")[2]][place] = value
    return {
        group: int(sum(max(0.0, high.get(place, at) - at) for place, at in offsets.items()))
        for group, offsets in committed.items()
    }


def _scrape(port: int | None, path: str) -> list[tuple[str, dict[str, str], float]]:
    from prometheus_client.parser import text_string_to_metric_families

    if port is None:
        return []
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=_TIMEOUT_SECONDS) as got:
            text = got.read().decode()
        return [
            (sample.name, dict(sample.labels), sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]
    except (OSError, ValueError):
        return []
