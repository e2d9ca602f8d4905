"""What ingest measures: counted in plain Python on the hot path, in the instruments at a scrape."""

from __future__ import annotations

from collections import Counter, defaultdict

from services.ingest import problem
from services.ingest.problem import Problem
from shared.runtime import logging
from shared.runtime.metrics import Instruments

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FLUSH_AT = 4096
"""Durations kept of one route before they are put into its histogram: bounds their memory."""

_COUNTED_AS_ERRORS = frozenset({401, 408, 413, 414, 415, 429, 431, 500})

log = logging.logger("ingest")


class Telemetry:
    """Counters of deliveries and HTTP answers.

    Label values are bounded: routes, known methods, status classes, topics and reasons.

    Args:
        instruments: where everything is in the end.
        access_log: log a line for each request: route, status and duration, nothing else.
    """

    def __init__(self, instruments: Instruments, *, access_log: bool = False) -> None:
        self._access_log = access_log
        self._service = instruments.service
        self._instruments = instruments
        self._received: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._seconds: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
        instruments.before_exposition(self.flush)

    def received(self, topic: str) -> None:
        """A verified delivery was taken in."""
        self._received[topic] += 1

    def sent(self, topic: str) -> None:
        """The broker acknowledged a record."""
        self._sent[topic] += 1

    def answered(self, handler: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered."""
        durations = self._seconds[handler, method if method in METHODS else "other", status // 100]
        durations.append(seconds)
        if len(durations) >= FLUSH_AT:
            self.flush()
        if self._access_log:
            log.debug(
                "request",
                method=method,
                route=handler,
                status=status,
                duration_s=round(seconds, 6),
            )

    def refused(self, kind: Problem, source: str) -> None:
        """A request was refused."""
        self._refused[source, kind.reason] += 1
        if kind.status in _COUNTED_AS_ERRORS or kind is problem.OVERLOADED:
            # The other kinds are counted as errors where they are found, or are none.
            self.error(kind.reason, "receiving")

    def error(self, error_type: str, stage: str) -> None:
        """Something went wrong; ``stage`` is receiving, processing or sending."""
        self._instruments.counter("lakehouse_errors_total").labels(
            self._service, error_type, stage
        ).inc()

    def dead_letter(self, topic: str, reason: str) -> None:
        """A dead letter was acknowledged."""
        self._instruments.counter("lakehouse_dead_letters_total").labels(
            self._service, topic, reason
        ).inc()

    def flush(self) -> None:
        """Bring the instruments up to date."""
        for name, counts in (
            ("lakehouse_events_received_total", self._received),
            ("lakehouse_events_sent_total", self._sent),
        ):
            counter = self._instruments.counter(name)
            for topic, count in counts.items():
                counter.labels(self._service, topic).inc(count)
            counts.clear()
        refused = self._instruments.counter("lakehouse_requests_refused_total")
        for (source, reason), count in self._refused.items():
            refused.labels(source, reason).inc(count)
        self._refused.clear()
        requests = self._instruments.counter("http_requests_total")
        histogram = self._instruments.histogram("http_request_duration_seconds")
        for (handler, method, status), durations in self._seconds.items():
            requests.labels(handler, method, f"{status}xx").inc(len(durations))
            observe = histogram.labels(handler, method).observe
            for seconds in durations:
                observe(seconds)
            durations.clear()
