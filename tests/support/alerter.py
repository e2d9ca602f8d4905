"""Alerts of a platform as subscribers see them: followed on the topic, received by a webhook."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deploy.embedded import control
from shared.contracts.alerts import AlertChanged
from shared.contracts.topics import ALERTS
from shared.runtime.settings import Settings
from shared.runtime.topic_reader import TopicReader
from tests.support.platform import EmbeddedPlatform

SCALE = 0.004
"""All times of rules times this: a minute is a quarter of a second, an hour 14."""

QUICK = {
    "BERGLINE_ALERTER_TIME_SCALE": str(SCALE),
    "BERGLINE_ALERTER_PROBE_EVERY_S": "0.3",
    "BERGLINE_ALERTER_LAG_EVERY_S": "0.5",
    "BERGLINE_ALERTER_RULES_LOOK_S": "0.3",
    "BERGLINE_ALERTER_UNOWNED_S": "3",
    "BERGLINE_ALERTER_SESSION_TIMEOUT_S": "6",
}
"""Settings for tests that wait."""

WITHIN_S = 45.0


class Alerts:
    """Every change on ``lakehouse.alerts``, followed from the beginning, each once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._events: dict[str, AlertChanged] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Begin in a thread."""
        self._thread.start()
        self._reader = TopicReader(self._settings, ALERTS, self._take)
        self._loop.call_soon_threadsafe(self._reader.start)

    def stop(self) -> None:
        """End."""
        asyncio.run_coroutine_threadsafe(self._reader.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _take(self, record: Any) -> None:
        event = AlertChanged.decode(record.value)
        with self._changed:
            self._events.setdefault(event.event_id(), event)
            self._changed.notify_all()

    def of(self, rule: str, **labels: str) -> list[AlertChanged]:
        """Changes of the alerts of a rule that have these labels, in order."""
        with self._changed:
            return [
                each
                for each in self._events.values()
                if each.rule == rule and labels.items() <= each.labels.items()
            ]

    def states(self, rule: str, **labels: str) -> list[str]:
        """The states that such alerts went through, pending left out."""
        states = [each.state for each in self.of(rule, **labels)]
        return [each for each in states if each in ("firing", "resolved")]

    def now(self, rule: str, **labels: str) -> set[str]:
        """The present states of such alerts."""
        last = {each.fingerprint: each.state for each in self.of(rule, **labels)}
        return set(last.values())

    def until(
        self, rule: str, state: str, seconds: float = WITHIN_S, **labels: str
    ) -> AlertChanged:
        """Wait until the last change of such an alert is to this state; the change.

        Raises:
            AssertionError: it is not in time; with all changes so far.
        """

        def found() -> AlertChanged | None:
            last = {each.fingerprint: each for each in self.of(rule, **labels)}
            return next((each for each in last.values() if each.state == state), None)

        deadline = time.monotonic() + seconds
        with self._changed:
            while (event := found()) is None:
                left = deadline - time.monotonic()
                assert left > 0, f"{rule} {labels} is not {state}: {self._shown(rule)}"
                self._changed.wait(left)
        return event

    def until_over(self, rule: str, seconds: float = WITHIN_S, **labels: str) -> None:
        """Wait until such alerts are over, all of them.

        Raises:
            AssertionError: some are not in time; with all changes so far.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while self.now(rule, **labels) & {"firing", "pending"}:
                left = deadline - time.monotonic()
                assert left > 0, f"{rule} {labels} is not over: {self._shown(rule)}"
                self._changed.wait(left)

    def _shown(self, rule: str) -> str:
        changes = [f"{each.labels} {each.state} {each.value}" for each in self.of(rule)]
        rules = sorted({each.rule for each in self._events.values() if each.state == "firing"})
        return f"{changes or 'nothing was told of it'}; fired so far: {rules}"


class Receiver:
    """A webhook that takes every notification."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken.append({**json.loads(body), "key": self.headers["Idempotency-Key"]})
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/alerts"

    def told(self, rule: str) -> list[str]:
        """The states that it was told of the alerts of a rule, in order; what came once more, as
        it may after a kill, has the key of the first time and is left out."""
        once = {each["key"]: each for each in reversed(self.taken)}
        return [
            alert["status"]
            for each in reversed(once.values())
            for alert in each["alerts"]
            if alert["labels"]["alertname"] == rule
        ]

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def page(platform: EmbeddedPlatform, path: str = "/info", replica: int = 0) -> Any:
    """What an alerter answers."""
    url = platform.url("alerter", replica) + path
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def evaluated(platform: EmbeddedPlatform, replica: int) -> set[str]:
    """Rules that an alerter evaluates; none while it does not answer."""
    try:
        return set(page(platform, replica=replica)["evaluated_here"])
    except OSError:
        return set()


class Held:
    """A process that is stopped until the end of a ``with``."""

    def __init__(
        self,
        platform: EmbeddedPlatform,
        name: str,
        number: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._layout = platform.layout
        self._name = name
        self._number = number

    def __enter__(self) -> None:
        control.hold(self._layout, self._name, self._number)

    def __exit__(self, *_: object) -> None:
        control.release(self._layout, self._name)
