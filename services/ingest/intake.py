"""What happens to a delivery whose body is there: verify, understand, publish, answer.

Nothing here waits. The answer is given to a callback, at once when the delivery is refused, else
when the broker has it: so a delivery needs no task of its own, whichever way it came in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson
from multidict import istr

from services.ingest import problem
from services.ingest.admission import Hold
from services.ingest.answer import Answer, refusal
from services.ingest.gate import SourceGate
from services.ingest.payload import Event, Unreadable, events, parse
from services.ingest.problem import OF_FAULT, Refused, internal_error
from services.ingest.publisher import Publisher
from services.ingest.several import Several, SharedHold
from services.ingest.signatures.verifier import Headers, Requested
from services.ingest.spool.spool import SpoolFull
from services.ingest.telemetry import Telemetry
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.envelope import Envelope
from shared.contracts.envelope import Headers as RecordHeaders
from shared.contracts.identity import uuid7
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime import logging
from shared.runtime.errors import Unavailable
from shared.sources.attributes import attribute
from shared.sources.spec import Body, Delivery, Endpoint, Malformed

_RETRY_AFTER = {"Retry-After": str(problem.RETRY_AFTER_SECONDS)}
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""W3C Trace Context, section 3.2."""
_TRACE_HEADER = istr("traceparent")

PROBED = Answer(200, b'{"status":"ok"}')
"""The answer to a vendor that tries the address."""

log = logging.logger("ingest")


class Request:
    """One request under way.

    Attributes:
        headers: its headers.
        hold: the room that it takes.
        answer: gives its one answer.
        path: for a refusal's text.
        received_at: when it was here.
    """

    __slots__ = ("answer", "headers", "hold", "path", "received_at")

    def __init__(
        self, headers: Headers, hold: Hold, answer: Callable[[Answer], None], path: str
    ) -> None:
        self.headers = headers
        self.hold = hold
        self.answer = answer
        self.path = path
        self.received_at = datetime.now(UTC)


class Intake:
    """Takes in the deliveries of one endpoint."""

    def __init__(
        self, endpoint: Endpoint, gate: SourceGate, publisher: Publisher, telemetry: Telemetry
    ) -> None:
        self.path = endpoint.path
        self.probed = endpoint.probed
        self._endpoint = endpoint
        self._topics = frozenset(endpoint.topics)
        self._plain = endpoint.bodies == (Body.JSON,)
        self._array = Body.JSON_EVENTS in endpoint.bodies
        self._requested = Requested("POST", endpoint.path)
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
        requested: Requested | None = None,
    ) -> None:
        """Give ``answer`` the one answer to a request, now or later; raises nothing.

        Args:
            headers: request headers.
            body: the raw body, already accounted to ``hold``.
            hold: lent to the publisher when the delivery is published.
            answer: called exactly once; it must not raise.
            path: as it was requested, for a refusal's text; the endpoint's by default.
            requested: method and target, for signatures that cover them; a POST to the endpoint's
                path by default.
        """
        request = Request(headers, hold, answer, path or self.path)
        try:
            self._gate.check(
                headers, body, request.received_at.timestamp(), requested or self._requested
            )
            if body or not self.probed:
                self._read(request, body)
            else:
                answer(PROBED)
        except Refused as refused:
            answer(self.refuse(refused, request.path))
        except Exception:
            occurrence = uuid7()
            log.exception("unhandled exception", path=self.path, occurrence=occurrence)
            answer(self.refuse(internal_error(occurrence), request.path))

    def refuse(self, refused: Refused, path: str) -> Answer:
        """Count a refusal and make it an answer."""
        self._telemetry.refused(refused.problem)
        return refusal(refused, path)

    def _read(self, request: Request, body: bytes) -> None:
        """Find the deliveries in a verified body, then let them go."""
        read = self._endpoint.read
        try:
            if self._plain:
                self._go(request, read(request.headers, parse(body), body), body)
                return
            inside = events(self._endpoint, request.headers, body)
            only = None if self._array else inside[0]
            if isinstance(only, Event):
                self._go(request, read(request.headers, only.payload, only.body), only.body)
                return
        except Malformed as malformed:
            self._keep_one(request, malformed, body)
            return
        # All are read before the first is published: a reader that fails leaves nothing half done.
        deliveries: list[tuple[Delivery, bytes]] = []
        malformed_ones: list[tuple[Malformed, bytes]] = []
        for one in inside:
            if isinstance(one, Unreadable):
                malformed_ones.append((one.malformed, one.original))
                continue
            try:
                found = read(request.headers, one.payload, one.body)
            except Malformed as malformed:
                malformed_ones.append((malformed, one.original))
                continue
            several = (found,) if isinstance(found, Delivery) else found
            deliveries.extend((delivery, one.body) for delivery in several)
        self._publish_several(request, deliveries, malformed_ones)

    def _go(self, request: Request, found: Delivery | Sequence[Delivery], body: bytes) -> None:
        if isinstance(found, Delivery):
            self._publish_one(request, found, body)
        else:
            self._publish_several(request, [(one, body) for one in found], [])

    def _publish_one(self, request: Request, delivery: Delivery, body: bytes) -> None:
        delivery_id = uuid7()

        def settled(unavailable: Unavailable | None) -> None:
            if unavailable is None:
                request.answer(accepted(delivery, delivery_id))
            else:
                refused = self._unpublished(unavailable, delivery_id)
                request.answer(self.refuse(refused, request.path))

        self._publish(request, delivery, body, delivery_id, request.hold, settled)

    def _publish_several(
        self,
        request: Request,
        deliveries: Sequence[tuple[Delivery, bytes]],
        malformed_ones: Sequence[tuple[Malformed, bytes]],
    ) -> None:
        """Publish the events of one request; what is no event becomes a dead letter of its own.

        The vendor repeats a request as a whole, so it is told of success only when everything is
        kept, and what it repeats has the same event ids.
        """

        def done(published: int, kept: int, refused: Refused | None) -> None:
            if refused is None and kept and not published:
                malformed = malformed_ones[0][0]
                refused = Refused(OF_FAULT[malformed.fault], malformed.detail)
            request.answer(
                accepted_several(published, kept)
                if refused is None
                else self.refuse(refused, request.path)
            )

        several = Several(done)
        with SharedHold(request.hold) as hold:
            for delivery, body in deliveries:
                self._publish_another(request, delivery, body, hold, several)
            for malformed, original in malformed_ones:
                self._keep_another(request, malformed, original, hold, several)
        several.complete()

    def _publish_another(
        self, request: Request, delivery: Delivery, body: bytes, hold: Hold, several: Several
    ) -> None:
        delivery_id = uuid7()
        several.add()

        def settled(unavailable: Unavailable | None) -> None:
            if unavailable is None:
                several.accepted()
            else:
                several.refused(self._unpublished(unavailable, delivery_id))

        try:
            hold.grow(len(body))
            self._publish(request, delivery, body, delivery_id, hold, settled)
        except Refused as refused:
            several.refused(refused)

    def _keep_another(
        self, request: Request, malformed: Malformed, original: bytes, hold: Hold, several: Several
    ) -> None:
        several.add()

        def settled(refused: Refused | None, _: str) -> None:
            if refused is None:
                several.kept()
            else:
                several.refused(refused)

        try:
            hold.grow(len(original))
            self._keep(request, malformed, original, hold, settled)
        except Refused as refused:
            several.refused(refused)

    def _keep_one(self, request: Request, malformed: Malformed, body: bytes) -> None:
        def settled(refused: Refused | None, delivery_id: str) -> None:
            told = refused or Refused(
                OF_FAULT[malformed.fault], malformed.detail, delivery_id=delivery_id
            )
            request.answer(self.refuse(told, request.path))

        self._keep(request, malformed, body, request.hold, settled)

    def _publish(
        self,
        request: Request,
        delivery: Delivery,
        body: bytes,
        delivery_id: str,
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
    ) -> None:
        """Publish one delivery.

        Raises:
            Refused: nothing was sent; ``settled`` will not be called.
        """
        topic = delivery.topic
        if topic not in self._topics:
            raise RuntimeError(f"the reader of {self.path} names topic {topic}, which it feeds not")
        telemetry = self._telemetry
        telemetry.received(topic)
        if not delivery.expected:
            telemetry.error("unexpected_type", "receiving")
        trace = traceparent(request.headers.get(_TRACE_HEADER))
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
            settled(unavailable)

        value = body if delivery.value is None else delivery.value
        try:
            self._publisher.publish(
                topic, delivery.key.encode(), value, record_headers, hold, sent, self._source.name
            )
        except Unavailable as unavailable:
            raise self._unpublished(unavailable, delivery_id) from unavailable

    def _keep(
        self,
        request: Request,
        malformed: Malformed,
        original: bytes,
        hold: Hold,
        settled: Callable[[Refused | None, str], None],
    ) -> None:
        """Publish what is signed but unusable as a dead letter.

        ``settled`` gets ``None`` when the broker has it, or the refusal, and the delivery id.

        Raises:
            Refused: nothing was sent; ``settled`` will not be called.
        """
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


def accepted_several(published: int, kept: int) -> Answer:
    """The answer to several events that the broker has; some may be dead letters."""
    return Answer(
        200,
        orjson.dumps({"status": "ok", "published": published, "failed": 0, "dead_letters": kept}),
    )


def traceparent(value: str | None) -> str | None:
    """The W3C trace context, or ``None`` when it is absent or not valid."""
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None
