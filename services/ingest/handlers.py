"""The async edge: deliveries that need aiohttp's whole machinery (see ``connection``)."""

from __future__ import annotations

import asyncio

from aiohttp import web

from services.ingest.admission import Admission
from services.ingest.answer import Answer
from services.ingest.body import read_body
from services.ingest.config import IngestSettings
from services.ingest.intake import Intake
from services.ingest.signatures.verifier import Requested
from shared.sources.attributes import attribute


class WebhookHandler:
    """Serves one endpoint."""

    def __init__(self, intake: Intake, admission: Admission, settings: IngestSettings) -> None:
        self._intake = intake
        self._admission = admission
        self._body_limit = settings.ingest_body_limit_bytes
        self._body_timeout = settings.ingest_body_timeout_s

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 200 once the broker has the delivery, or what the intake says instead.

        Raises:
            Refused: there is no room for it, or its body does not come as it should.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answer(given: Answer) -> None:
            if not answered.done():
                answered.set_result(given)

        with self._admission.hold() as hold:
            body = await read_body(
                request, hold, limit=self._body_limit, timeout_s=self._body_timeout
            )
            self._intake.take_in(
                request.headers,
                body,
                hold,
                answer,
                raw_path(request),
                Requested(request.method, request.raw_path),
            )
        return (await answered).response()


async def probed(_: web.Request) -> web.Response:
    """The answer to a vendor that looks whether anybody is here."""
    return web.json_response({"status": "ok"})


def raw_path(request: web.Request) -> str:
    """The path as it was requested; it may hold anything, also what JSON cannot."""
    return attribute(request.rel_url.raw_path) or "this path"
