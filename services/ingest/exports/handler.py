"""``POST /ingest/<source>/exports``: who, then where, then whether it is there, then announced."""

from __future__ import annotations

import time

from aiohttp import web

from services.ingest import problem
from services.ingest.body import read_body
from services.ingest.config import IngestSettings
from services.ingest.exports.announcing import Announcer
from services.ingest.exports.looking import look, require_whole
from services.ingest.gate import SourceGate
from services.ingest.payload import parse
from services.ingest.problem import OF_FAULT, Refused
from services.ingest.signatures.verifier import Requested
from shared.runtime.export_places import NotAllowed, Place, Places
from shared.sources.spec import Malformed


class ExportHandler:
    """Serves one source's route."""

    def __init__(self, gate: SourceGate, announcer: Announcer, settings: IngestSettings) -> None:
        self._gate = gate
        self._announcer = announcer
        self._settings = settings
        self._places = settings.export_places

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 202 once the file is announced.

        Raises:
            Refused: why it is not.
        """
        # Before the body is read, let alone believed.
        requested = Requested(request.method, request.raw_path)
        self._gate.check(request.headers, b"", time.time(), requested)
        with self._announcer.room.hold() as hold:
            body = await read_body(request, hold, self._settings.body_limits)
        place = _place(body, self._places)
        seen = await look(place, self._settings)
        require_whole(seen)
        ready, delivery_id = await self._announcer.announce(place, seen, "request")
        return web.json_response(
            {
                "status": "accepted",
                "topic": self._announcer.topic,
                "uri": ready.uri,
                "event_id": ready.event_id(),
                "delivery_id": delivery_id,
            },
            status=202,
        )


def _place(body: bytes, places: Places) -> Place:
    """The place that a body names.

    Raises:
        Refused: it names none, or none that is allowed.
    """
    try:
        named = parse(body)
    except Malformed as malformed:
        raise Refused(OF_FAULT[malformed.fault], malformed.detail) from None
    uri = named.get("uri")
    if set(named) != {"uri"} or not isinstance(uri, str):
        raise Refused(problem.INVALID_EVENT, 'the body is not of the form {"uri": "…"}')
    try:
        return places.place(uri)
    except NotAllowed as error:
        raise Refused(problem.EXPORT_NOT_ALLOWED, str(error)) from None
