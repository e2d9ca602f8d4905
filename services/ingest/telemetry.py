"""What ingest measures, with its instruments' label children looked up once."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Histogram

from shared.runtime.metrics import Instruments

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Telemetry:
    """Counters of deliveries and HTTP answers.

    Label values are bounded: routes, known methods, status classes, topics and reasons.
    """

    def __init__(self, instruments: Instruments) -> None:
        service = instruments.service
        received = instruments.counter("lakehouse_events_received_total")
        sent = instruments.counter("lakehouse_events_sent_total")
        errors = instruments.counter("lakehouse_errors_total")
        dead_letters = instruments.counter("lakehouse_dead_letters_total")
        requests = instruments.counter("http_requests_total")
        seconds = instruments.histogram("http_request_duration_seconds")

        @cache
        def _received(topic: str) -> Counter:
            return received.labels(service, topic)

        @cache
        def _sent(topic: str) -> Counter:
            return sent.labels(service, topic)

        @cache
        def _requests(handler: str, method: str, status: int) -> Counter:
            return requests.labels(handler, method, f"{status}xx")

        @cache
        def _seconds(handler: str, method: str) -> Histogram:
            return seconds.labels(handler, method)

        self._received = _received
        self._sent = _sent
        self._requests = _requests
        self._seconds = _seconds
        self._errors = errors
        self._dead_letters = dead_letters
        self._service = service

    def received(self, topic: str) -> None:
        """A verified delivery was taken in."""
        self._received(topic).inc()

    def sent(self, topic: str) -> None:
        """The broker acknowledged a record."""
        self._sent(topic).inc()

    def error(self, error_type: str, stage: str) -> None:
        """Something went wrong; ``stage`` is receiving, processing or sending."""
        self._errors.labels(self._service, error_type, stage).inc()

    def dead_letter(self, topic: str, reason: str) -> None:
        """A dead letter was acknowledged."""
        self._dead_letters.labels(self._service, topic, reason).inc()

    def answered(self, handler: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered."""
        method = method if method in METHODS else "other"
        self._requests(handler, method, status // 100).inc()
        self._seconds(handler, method).observe(seconds)
