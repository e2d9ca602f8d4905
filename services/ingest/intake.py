"""What happens to a delivery whose body is there: verify, understand, publish, answer.

Nothing here waits. The answer is given to a callback, at once when the delivery is refused, else
when the broker has it: so a delivery needs no task of its own, whichever way it came in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from multidict import istr

from services.ingest import problem
from services.ingest.admission import Hold
from services.ingest.answer import Answer, refusal
from services.ingest.gate import SourceGate
from services.ingest.payload import parse
from services.ingest.problem import Refused, internal_error
from services.ingest.publisher import Publisher
from services.ingest.signatures.verifier import Headers
from services.ingest.sources.attributes import attribute
from services.ingest.sources.endpoint import Delivery, Endpoint, Malformed
from services.ingest.telemetry import Telemetry
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.envelope import Envelope
from shared.contracts.envelope import Headers as RecordHeaders
from shared.contracts.identity import uuid7
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime import logging
from shared.runtime.errors import Unavailable

_RETRY_AFTER = {"Retry-After": str(problem.RETRY_AFTER_SECONDS)}
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""W3C Trace Context, section 3.2."""
_TRACE_HEADER = istr("traceparent")

log = logging.logger("ingest")


class Intake:
    """Takes in the deliveries of one endpoint."""

    def __init__(
        self, endpoint: Endpoint, gate: SourceGate, publisher: Publisher, telemetry: Telemetry
    ) -> None:
        self.path = endpoint.path
        self._endpoint = endpoint
        self._source = gate.source
        self._gate = gate
        self._publisher = publisher
        self._telemetry = telemetry

    def take_in(
        self,
        headers: Headers,
        body: bytes,
        hold: Hold,
        answer: Callable[[Answer], None],
        path: str | None = None,
    ) -> None:
        """Give ``answer`` the one answer to a delivery, now or later; raises nothing.

        Args:
            headers: request headers.
            body: the raw body, already accounted to ``hold``.
            hold: lent to the publisher when the delivery is published.
            answer: called exactly once; it must not raise.
            path: as it was requested, for a refusal's text; the endpoint's by default.
        """
        try:
            self._publish(headers, body, hold, answer, path or self.path)
        except Refused as refused:
            answer(self.refuse(refused, path or self.path))
        except Exception:
            occurrence = uuid7()
            log.exception("unhandled exception", path=self.path, occurrence=occurrence)
            answer(self.refuse(internal_error(occurrence), path or self.path))

    def refuse(self, refused: Refused, path: str) -> Answer:
        """Count a refusal and make it an answer."""
        self._telemetry.refused(refused.problem)
        return refusal(refused, path)

    def _publish(
        self,
        headers: Headers,
        body: bytes,
        hold: Hold,
        answer: Callable[[Answer], None],
        path: str,
    ) -> None:
        received_at = datetime.now(UTC)
        self._gate.check(headers, body, received_at.timestamp())
        delivery_id = uuid7()
        try:
            delivery = self._endpoint.read(headers, parse(body), body)
        except Malformed as malformed:
            self._keep(headers, malformed, body, delivery_id, received_at, hold, answer, path)
            return
        telemetry = self._telemetry
        telemetry.received(delivery.topic)
        if not delivery.expected:
            telemetry.error("unexpected_type", "receiving")
        trace = traceparent(headers.get(_TRACE_HEADER))
        source = self._source.name

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

        def settled(unavailable: Unavailable | None) -> None:
            if unavailable is None:
                telemetry.sent(delivery.topic)
                answer(accepted(delivery, delivery_id))
            else:
                answer(self.refuse(self._unpublished(unavailable, delivery_id), path))

        try:
            self._publisher.publish(
                delivery.topic, delivery.key.encode(), body, record_headers, hold, settled
            )
        except Unavailable as unavailable:
            raise self._unpublished(unavailable, delivery_id) from unavailable

    def _keep(
        self,
        headers: Headers,
        malformed: Malformed,
        body: bytes,
        delivery_id: str,
        received_at: datetime,
        hold: Hold,
        answer: Callable[[Answer], None],
        path: str,
    ) -> None:
        """Publish a signed but unusable delivery as a dead letter, then refuse it."""
        topic = malformed.topic or self._endpoint.topics[0]
        reason = malformed.problem.reason
        letter = DeadLetter(
            stage="receiving",
            service="ingest",
            reason=reason,
            detail=malformed.detail,
            topic=topic,
            delivery_id=delivery_id,
            failed_at=received_at,
            headers={
                name.lower(): text
                for name in ("Content-Type", *self._source.headers)
                if (text := attribute(headers.get(name))) is not None
            },
            value=body,
        )
        key, value, record_headers = letter.encode()
        self._telemetry.received(topic)
        self._telemetry.error(reason, "receiving")

        def settled(unavailable: Unavailable | None) -> None:
            if unavailable is not None:
                answer(self.refuse(self._unpublished(unavailable, delivery_id), path))
                return
            self._telemetry.dead_letter(topic, reason)
            log.warning(
                "a signed delivery was refused and kept as a dead letter",
                topic=topic,
                reason=reason,
                delivery_id=delivery_id,
            )
            refused = Refused(malformed.problem, malformed.detail, delivery_id=delivery_id)
            answer(self.refuse(refused, path))

        try:
            self._publisher.publish(DEAD_LETTERS, key, value, lambda: record_headers, hold, settled)
        except Unavailable as unavailable:
            raise self._unpublished(unavailable, delivery_id) from unavailable

    def _unpublished(self, unavailable: Unavailable, delivery_id: str) -> Refused:
        self._telemetry.error("broker_unavailable", "sending")
        return Refused(
            problem.BROKER_UNAVAILABLE,
            f"Failed to publish event: {unavailable.what}",
            delivery_id=delivery_id,
            headers=_RETRY_AFTER,
        )


def accepted(delivery: Delivery, delivery_id: str) -> Answer:
    """The answer to a delivery that the broker has."""
    return Answer(
        200,
        orjson.dumps(
            {
                "status": "ok",
                "topic": delivery.topic,
                **delivery.answer,
                "delivery_id": delivery_id,
            }
        ),
    )


def traceparent(value: str | None) -> str | None:
    """The W3C trace context, or ``None`` when it is absent or not valid."""
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None
