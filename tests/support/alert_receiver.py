"""An HTTP server that notifications are sent to, and that answers as a test says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict

HANG = "hang"
"""Never answers."""
LOST = "lost"
"""Takes it, and cuts the connection before the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Received:
    """A request that arrived in full."""

    path: str
    headers: CIMultiDict[str]
    body: bytes


class AlertReceiver:
    """What arrived, and what the next requests are answered; afterwards 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: deque[Answer | str] = deque()
        self.url = ""
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()

    async def until(self, number: int) -> list[Received]:
        """The requests, once there are so many."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= number)
        return self.received

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._changed:
            self.received.append(Received(request.path, request.headers.copy(), body))
            self._changed.notify_all()
        answer = self.answers.popleft() if self.answers else Answer()
        if answer == HANG:
            await self._open.wait()
        if answer in (HANG, LOST) or isinstance(answer, str):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def let_go(self) -> None:
        """End requests that hang."""
        self._open.set()


@contextlib.asynccontextmanager
async def alert_receiver(
    *answers: Answer | str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[AlertReceiver]:
    """A server on a free port, with these answers to its first requests."""
    receiver = AlertReceiver()
    receiver.answers.extend(answers)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "http" if tls is None else "https"
        receiver.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        receiver.let_go()
        await runner.cleanup()
