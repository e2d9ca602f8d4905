"""aiohttp's connection, with limits that aiohttp has not, and answers that are problems.

It serves what is not plain (:mod:`services.ingest.connection`): so also senders that send a head
byte by byte, that never finish it, or whose bytes are no HTTP.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import EMPTY_PAYLOAD, StreamReader, web

from services.ingest import problem
from services.ingest.front import Front
from services.ingest.problem import Refused
from services.ingest.samples import NOBODY, Seen

THIS = "this request"
"""Named in a refusal's text: which address was meant is not known."""
LINGERING_SECONDS = 1.0
"""Refused senders may finish what they send for this long before the connection is cut."""
SILENCE_SECONDS = 0.05
"""Who sends nothing for so long has heard."""


class FrameworkConnection(web.RequestHandler):
    """One sender's connection, for the rest of its life.

    Args:
        server: aiohttp's, with the application behind it.
        front: shared by all connections.
    """

    __slots__ = (
        "_body",
        "_front",
        "_head_bytes",
        "_head_timer",
        "_is_parting",
        "_parting",
        "_since",
        "_still_sends",
        "_stuck",
    )

    def __init__(self, server: web.Server, front: Front) -> None:
        heads = front.heads
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=front.idle_timeout_s,
            access_log=None,  # type: ignore[arg-type] # as aiohttp's own runner has it
            max_line_size=heads.url_bytes,
            max_headers=heads.fields,
            max_field_size=heads.field_bytes,
            lingering_time=LINGERING_SECONDS,
            # The signature is of the bytes on the wire.
            auto_decompress=False,
        )
        self._front = front
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._is_parting = False
        self._still_sends = False
        self._parting: asyncio.Task[None] | None = None
        self._since = time.perf_counter()

    @property
    def waiting_since(self) -> float | None:
        """Since when it waits for a whole head; ``None`` while a request is under way."""
        return self._since if self._is_waiting else None

    @property
    def _is_waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done() and not self._messages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It was given to us."""
        super().connection_made(transport)
        self._front.connections.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It ended."""
        super().connection_lost(exc)
        self._front.connections.discard(self)
        for timer in (self._head_timer, self._stuck):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Hand on what came, and look how much of a head there is already."""
        if self._is_parting:
            self._still_sends = True
            return
        if self._force_close or self._close:
            return
        is_head = self._body.is_eof()
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            if not self._body.is_eof():
                # The parser gave up amid a body, and does not tell whoever waits for the rest.
                self._body.set_exception(web.RequestPayloadError("the body is broken"))
            self._body = self._messages[-1][1]
            self._since = time.perf_counter()
            self._head_bytes = 0
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
        elif is_head and data:
            self._head_bytes += len(data)
            if self._head_bytes > self._front.heads.total_bytes + self._front.heads.url_bytes:
                self._refuse(self._front.heads.too_large())
            elif self._head_timer is None:
                self._head_timer = self._wait_for_head()

    def pause_writing(self) -> None:
        """The sender does not read its answers: it has to begin some time."""
        super().pause_writing()
        self._stuck = self._loop.call_later(self._front.idle_timeout_s, self.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def end(self) -> None:
        """Close it now."""
        self.force_close()

    def abort(self) -> None:
        """Cut it, whatever is still to be sent."""
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is answered to bytes that aiohttp's parser does not understand.

        aiohttp would also log the line that it did not understand, and it may hold a secret.
        """
        if status != problem.BROKEN_REQUEST.status:
            return super().handle_error(request, status, exc, message)
        refused = self._front.heads.refusal(exc)
        response = self._front.refusals.answer(refused, THIS, self._seen()).response()
        self._front.telemetry.answered("unmatched", "", refused.problem.status, 0.0)
        response.force_close()
        self._is_parting = True
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; if it was the last one, let the sender hear it."""
        finished = await super().finish_response(request, resp, start_time)
        if self._is_parting:
            await self._linger()
        return finished

    async def _linger(self) -> None:
        """Read on for a moment: closed with bytes unread, a connection is reset, not answered."""
        ends = self._loop.time() + LINGERING_SECONDS
        self._still_sends = True
        while self._still_sends and self._loop.time() < ends:
            self._still_sends = False
            await asyncio.sleep(SILENCE_SECONDS)

    async def _part(self) -> None:
        await self._linger()
        self.force_close()

    def _wait_for_head(self) -> asyncio.TimerHandle:
        return self._loop.call_later(self._front.head_timeout_s, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._is_waiting:
            limit = self._front.head_timeout_s
            self._refuse(
                Refused(problem.HEAD_TIMEOUT, f"the header fields were not there after {limit:g} s")
            )
        else:
            # An earlier request has no answer yet; what comes behind it can wait, too.
            self._head_timer = self._wait_for_head()

    def _refuse(self, refused: Refused) -> None:
        if self._is_parting:
            return
        if self.transport is None or not self._is_waiting:
            # First the answers that are owed.
            self.close()
            return
        front = self._front
        answer = front.refusals.answer(refused, THIS, self._seen())
        front.telemetry.answered("unmatched", "", answer.status, 0.0)
        self.transport.write(front.wire.encode(answer, close=True))
        self._is_parting = True
        self._parting = self._loop.create_task(self._part())

    def _seen(self) -> Seen:
        return Seen(NOBODY, method="", peer=lambda: self.peername)
