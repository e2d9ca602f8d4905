"""What happens to a delivery whose body is there: verify, understand, publish, answer.

Nothing here waits. The answer is given to a callback, at once when the delivery is refused, else
when the broker has it: so a delivery needs no task of its own, whichever way it came in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.ingest.admission import Hold, Room
from services.ingest.answer import Answer
from services.ingest.gate import SourceGate
from services.ingest.limits.shapes import Shape
from services.ingest.outlet import Outlet
from services.ingest.payload import Event, Unreadable, events, parse
from services.ingest.problem import OF_FAULT, Refused, internal_error
from services.ingest.refusals import Refusals
from services.ingest.request import PROBED, Request, accepted, accepted_several
from services.ingest.samples import Seen
from services.ingest.several import Several, SharedHold
from services.ingest.signatures.verifier import Headers, Requested
from shared.contracts.identity import uuid7
from shared.runtime import logging
from shared.sources.spec import Body, Delivery, Endpoint, Malformed

log = logging.logger("ingest")


class Intake:
    """Takes in the deliveries of one endpoint.

    Args:
        endpoint: which one.
        gate: decides whether they are the vendor's.
        shape: bounds of what is in a body.
        room: the source's part of what is let in at once.
        outlet: where they go.
        refusals: makes answers of refusals.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        gate: SourceGate,
        shape: Shape,
        room: Room,
        outlet: Outlet,
        refusals: Refusals,
    ) -> None:
        self.path = endpoint.path
        self.probed = endpoint.probed
        self.room = room
        self._endpoint = endpoint
        self.shape = shape
        self._plain = endpoint.bodies == (Body.JSON,)
        self._array = Body.JSON_EVENTS in endpoint.bodies
        self._requested = Requested("POST", endpoint.path)
        self._source = gate.source.name
        self._gate = gate
        self._outlet = outlet
        self._refusals = refusals

    def take_in(
        self,
        headers: Headers,
        body: bytes,
        hold: Hold,
        answer: Callable[[Answer], None],
        peer: Callable[[], object] = str,
        path: str | None = None,
        requested: Requested | None = None,
    ) -> None:
        """Give ``answer`` the one answer to a request, now or later; raises nothing.

        Args:
            headers: request headers.
            body: the raw body, already accounted to ``hold``.
            hold: lent to the publisher when the delivery is published.
            answer: called exactly once; it must not raise.
            peer: tells the address of the other end.
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
            answer(self.refuse(refused, headers, body, peer, request.path))
        except Exception:
            occurrence = uuid7()
            log.exception("unhandled exception", path=self.path, occurrence=occurrence)
            answer(self._refuse_later(internal_error(occurrence), request))

    def refuse(
        self,
        refused: Refused,
        headers: Headers,
        body: bytes | None,
        peer: Callable[[], object],
        path: str | None = None,
    ) -> Answer:
        """The answer to a request to this endpoint that is not let in."""
        seen = Seen(self._source, self.path, "POST", headers, body, peer)
        return self._refusals.answer(refused, path or self.path, seen)

    def _refuse_later(self, refused: Refused, request: Request) -> Answer:
        return self._refusals.later(refused, request.path, self._source)

    def _read(self, request: Request, body: bytes) -> None:
        """Find the deliveries in a verified body, then let them go."""
        read = self._endpoint.read
        try:
            if self._plain:
                self._go(request, read(request.headers, parse(body, self.shape), body), body)
                return
            inside = events(self._endpoint, self.shape, request.headers, body)
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
        def settled(refused: Refused | None, delivery_id: str) -> None:
            request.answer(
                accepted(delivery, delivery_id)
                if refused is None
                else self._refuse_later(refused, request)
            )

        try:
            self._outlet.publish(request, delivery, body, request.hold, settled)
        except Refused as refused:
            request.answer(self._refuse_later(refused, request))

    def _keep_one(self, request: Request, malformed: Malformed, body: bytes) -> None:
        def settled(refused: Refused | None, delivery_id: str) -> None:
            told = refused or Refused(
                OF_FAULT[malformed.fault], malformed.detail, delivery_id=delivery_id
            )
            request.answer(self._refuse_later(told, request))

        try:
            self._outlet.keep(request, malformed, body, request.hold, settled)
        except Refused as refused:
            request.answer(self._refuse_later(refused, request))

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
                else self._refuse_later(refused, request)
            )

        several = Several(done)
        with SharedHold(request.hold) as hold:
            for delivery, body in deliveries:
                several.add()
                try:
                    hold.grow(len(body))
                    self._outlet.publish(request, delivery, body, hold, several.published)
                except Refused as refused:
                    several.refused(refused)
            for malformed, original in malformed_ones:
                several.add()
                try:
                    hold.grow(len(original))
                    self._outlet.keep(request, malformed, original, hold, several.kept)
                except Refused as refused:
                    several.refused(refused)
        several.complete()
