"""From what was read of a request to records: an event on its topic, the rest as dead letters."""

from __future__ import annotations

from collections.abc import Callable

from services.ingest import problem
from services.ingest.admission import Hold
from services.ingest.problem import OF_FAULT, Refused
from services.ingest.publisher import Publisher
from services.ingest.request import Request
from services.ingest.spool.answers import SpoolFull
from services.ingest.telemetry import Telemetry
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.envelope import Envelope
from shared.contracts.envelope import Headers as RecordHeaders
from shared.contracts.identity import uuid7
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime import logging
from shared.runtime.errors import Unavailable
from shared.sources.attributes import attribute
from shared.sources.spec import Delivery, Endpoint, Malformed, SourceSpec

_RETRY_AFTER = {"Retry-After": str(problem.RETRY_AFTER_SECONDS)}

log = logging.logger("ingest")


class Outlet:
    """Publishes what came to one endpoint."""

    def __init__(
        self, endpoint: Endpoint, source: SourceSpec, publisher: Publisher, telemetry: Telemetry
    ) -> None:
        self._endpoint = endpoint
        self._topics = frozenset(endpoint.topics)
        self._source = source
        self._publisher = publisher
        self._telemetry = telemetry

    def publish(
        self,
        request: Request,
        delivery: Delivery,
        body: bytes,
        hold: Hold,
        settled: Callable[[Refused | None, str], None],
    ) -> None:
        """Publish one delivery.

        ``settled`` gets ``None`` when it is durable, or the refusal, and the delivery id.

        Raises:
            Refused: nothing was sent; ``settled`` will not be called.
        """
        topic = delivery.topic
        if topic not in self._topics:
            raise RuntimeError(
                f"the reader of {self._endpoint.path} names topic {topic}, which it feeds not"
            )
        delivery_id = uuid7()
        telemetry = self._telemetry
        telemetry.received(topic)
        if not delivery.expected:
            telemetry.error("unexpected_type", "receiving")
        trace = request.traceparent
        source = self._source.name
        received_at = request.received_at

        def record_headers() -> RecordHeaders:
            return Envelope(
                id=delivery.event_id,
                type=delivery.event_type,
                source=source,
                time=delivery.event_time,
                subject=delivery.key,
                content_type="application/json",
                received_at=received_at,
                delivery_id=delivery_id,
                traceparent=trace,
                extensions=delivery.extensions,
            ).headers()

        def sent(unavailable: Unavailable | None) -> None:
            if unavailable is None:
                telemetry.sent(topic)
                settled(None, delivery_id)
            else:
                settled(self._unpublished(unavailable, delivery_id), delivery_id)

        value = body if delivery.value is None else delivery.value
        if not isinstance(value, bytes):
            raise TypeError(f"the reader of {self._endpoint.path} gives a value that is no bytes")
        try:
            self._publisher.publish(
                topic, delivery.key.encode(), value, record_headers, hold, sent, source
            )
        except Unavailable as unavailable:
            raise self._unpublished(unavailable, delivery_id) from unavailable

    def keep(
        self,
        request: Request,
        malformed: Malformed,
        original: bytes,
        hold: Hold,
        settled: Callable[[Refused | None, str], None],
    ) -> None:
        """Publish what is signed but unusable as a dead letter; else as :meth:`publish`."""
        topic = malformed.topic or self._endpoint.topics[0]
        reason = OF_FAULT[malformed.fault].reason
        delivery_id = uuid7()
        letter = DeadLetter(
            stage="receiving",
            service="ingest",
            reason=reason,
            detail=malformed.detail,
            topic=topic,
            delivery_id=delivery_id,
            failed_at=request.received_at,
            headers={
                name.lower(): text
                for name in ("Content-Type", *self._source.kept_headers)
                if (text := attribute(request.headers.get(name))) is not None
            },
            value=original,
        )
        key, value, record_headers = letter.encode()
        self._telemetry.received(topic)
        self._telemetry.error(reason, "receiving")

        def sent(unavailable: Unavailable | None) -> None:
            if unavailable is not None:
                settled(self._unpublished(unavailable, delivery_id), delivery_id)
                return
            self._telemetry.dead_letter(topic, reason)
            log.warning(
                "a signed delivery was refused and kept as a dead letter",
                topic=topic,
                reason=reason,
                delivery_id=delivery_id,
            )
            settled(None, delivery_id)

        try:
            self._publisher.publish(
                DEAD_LETTERS, key, value, lambda: record_headers, hold, sent, self._source.name
            )
        except Unavailable as unavailable:
            raise self._unpublished(unavailable, delivery_id) from unavailable

    def _unpublished(self, unavailable: Unavailable, delivery_id: str) -> Refused:
        kind = problem.BROKER_UNAVAILABLE
        if isinstance(unavailable, SpoolFull):
            kind = problem.SPOOL_FULL
        self._telemetry.error(kind.reason, "sending")
        return Refused(
            kind,
            f"Failed to publish event: {unavailable.what}",
            delivery_id=delivery_id,
            headers=_RETRY_AFTER,
        )
