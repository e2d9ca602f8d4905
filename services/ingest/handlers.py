"""The async edge: deliveries that need aiohttp's whole machinery (see ``connection``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from services.ingest.answer import Answer
from services.ingest.body import read_body
from services.ingest.intake import Intake
from services.ingest.limits.bodies import BodyLimits
from services.ingest.problem import Refused
from services.ingest.signatures.verifier import Requested
from shared.sources.attributes import attribute


class WebhookHandler:
    """Serves one endpoint."""

    def __init__(self, intake: Intake, limits: BodyLimits) -> None:
        self._intake = intake
        self._limits = limits

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 200 once the broker has the delivery, or what the intake says instead."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answer(given: Answer) -> None:
            if not answered.done():
                answered.set_result(given)

        intake = self._intake
        path, peer = raw_path(request), peer_of(request)
        try:
            with intake.room.hold() as hold:
                body = await read_body(request, hold, self._limits)
                requested = Requested(request.method, request.raw_path)
                intake.take_in(request.headers, body, hold, answer, peer, path, requested)
        except Refused as refused:
            return intake.refuse(refused, request.headers, None, peer, path).response()
        return (await answered).response()


async def probed(_: web.Request) -> web.Response:
    """The answer to a vendor that looks whether anybody is here."""
    return web.json_response({"status": "ok"})


def raw_path(request: web.BaseRequest) -> str:
    """The path as it was requested; it may hold anything, also what JSON cannot."""
    return attribute(request.rel_url.raw_path) or "this path"


def peer_of(request: web.BaseRequest) -> Callable[[], object]:
    """Tells the address of the other end."""
    transport = request.transport
    return lambda: None if transport is None else transport.get_extra_info("peername")
