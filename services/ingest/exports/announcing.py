"""Announce a file on the topic of its source, as durably as any event."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Literal

from services.ingest import problem
from services.ingest.admission import Room
from services.ingest.exports.looking import Seen
from services.ingest.problem import Refused
from services.ingest.publisher import Publisher
from services.ingest.spool.answers import SpoolFull
from services.ingest.telemetry import Telemetry
from shared.contracts.envelope import Envelope, Headers
from shared.contracts.exports import ExportReady
from shared.contracts.identity import uuid7
from shared.runtime.errors import Unavailable
from shared.runtime.export_places import Place

_RETRY_AFTER = {"Retry-After": str(problem.RETRY_AFTER_SECONDS)}


class Announcer:
    """Announces the files of one source."""

    def __init__(
        self, topic: str, source: str, publisher: Publisher, telemetry: Telemetry, room: Room
    ) -> None:
        self.topic = topic
        self.room = room
        self._source = source
        self._publisher = publisher
        self._telemetry = telemetry

    async def announce(
        self, place: Place, seen: Seen, noticed: Literal["request", "watch"]
    ) -> tuple[ExportReady, str]:
        """The announcement, once the broker or the spool has it, and its delivery id.

        Raises:
            Refused: neither has it.
        """
        ready = ExportReady(
            uri=place.uri,
            fingerprint=seen.fingerprint,
            size_bytes=seen.size,
            noticed=noticed,
            ready_at=datetime.now(UTC),
        )
        delivery_id = uuid7()
        settled: asyncio.Future[Unavailable | None] = asyncio.get_running_loop().create_future()

        def settle(unavailable: Unavailable | None) -> None:
            if not settled.done():
                settled.set_result(unavailable)

        def headers() -> Headers:
            return Envelope(
                id=ready.event_id(),
                type=ready.type,
                source=ready.source,
                time=ready.ready_at,
                subject=ready.key(),
                content_type="application/json",
                received_at=ready.ready_at,
                delivery_id=delivery_id,
            ).headers()

        key, value, _ = ready.encode()
        self._telemetry.received(self.topic)
        with self.room.hold() as hold:
            hold.grow(len(value))
            try:
                self._publisher.publish(self.topic, key, value, headers, hold, settle, self._source)
            except Unavailable as unavailable:
                settle(unavailable)
            unavailable_now = await settled
        if unavailable_now is not None:
            raise self._unpublished(unavailable_now, delivery_id)
        self._telemetry.sent(self.topic)
        return ready, delivery_id

    def _unpublished(self, unavailable: Unavailable, delivery_id: str) -> Refused:
        full = isinstance(unavailable, SpoolFull)
        kind = problem.SPOOL_FULL if full else problem.BROKER_UNAVAILABLE
        self._telemetry.error(kind.reason, "sending")
        return Refused(
            kind,
            f"Failed to announce the file: {unavailable.what}",
            delivery_id=delivery_id,
            headers=_RETRY_AFTER,
        )
