"""Plain deliveries are answered here, without a task, a request or a response object for each.

A plain delivery is what the vendors and their proxies send: one HTTP/1.1 ``POST`` to a path that is
served, its body announced by its length and there at once, the next one after the answer. aiohttp's
parser takes it apart and :class:`~services.ingest.intake.Intake` answers it, straight from and to
the socket. On anything else (another path, method or version, a body in pieces, a query, requests
sent ahead, broken HTTP) the connection is given to aiohttp for good, with the bytes not answered
yet, and goes on as if it had been there from the start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.streams import StreamReader
from multidict import istr

from services.ingest.admission import Admission
from services.ingest.answer import Answer, Wire
from services.ingest.body import refuse_encoding, whole_body
from services.ingest.intake import Intake
from services.ingest.problem import Refused
from services.ingest.telemetry import Telemetry

PIECE_SECONDS = 0.02
"""How long a body may be in coming before aiohttp takes over, with its timers."""
PIECES_BYTES = 256 * 1024
"""Larger bodies come in several pieces anyway; this bounds what is kept of one meanwhile."""
IDLE_SECONDS = 75.0
"""Idle connections cost memory; proxies reuse theirs more often than this."""

_LENGTH = istr("Content-Length")
_EXPECT = istr("Expect")


class PlainServer:
    """Makes the connections, knows those that are here, and ends them.

    Args:
        fallback: aiohttp's server, for everything that is not plain.
        intakes: by path.
        admission: shared with the other way in.
        body_limit: in bytes.
        telemetry: where answers are counted.
    """

    def __init__(
        self,
        fallback: web.Server,
        intakes: Mapping[str, Intake],
        admission: Admission,
        body_limit: int,
        telemetry: Telemetry,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.fallback = fallback
        self.intakes = intakes
        self.admission = admission
        self.body_limit = body_limit
        self.telemetry = telemetry
        self.wire = Wire()
        self.draining = False
        self._connections: set[PlainConnection] = set()
        self._empty = asyncio.Event()
        self._sweep = self.loop.call_later(IDLE_SECONDS / 5, self._close_idle)

    def __call__(self) -> PlainConnection:
        """A connection for the event loop's server."""
        return PlainConnection(self)

    def add(self, connection: PlainConnection) -> None:
        """Look after a connection."""
        self._connections.add(connection)

    def discard(self, connection: PlainConnection) -> None:
        """It ended, or is aiohttp's now."""
        self._connections.discard(connection)
        if self.draining and not self._connections:
            self._empty.set()

    async def drain(self, limit_s: float) -> None:
        """Close every connection, after the answer it owes, but after ``limit_s`` at the latest."""
        self.draining = True
        self._sweep.cancel()
        for connection in tuple(self._connections):
            connection.close_if_idle(float("inf"))
        if self._connections:
            try:
                async with asyncio.timeout(limit_s):
                    await self._empty.wait()
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.abort()

    def _close_idle(self) -> None:
        self._sweep = self.loop.call_later(IDLE_SECONDS / 5, self._close_idle)
        before = time.perf_counter() - IDLE_SECONDS
        for connection in tuple(self._connections):
            connection.close_if_idle(before)


class PlainConnection(BaseProtocol):
    """One sender's connection, as long as it sends plain deliveries."""

    __slots__ = (
        "_ahead",
        "_answered_at",
        "_closing",
        "_intake",
        "_partial",
        "_pieces",
        "_requests",
        "_server",
        "_started",
        "_timer",
        "_under_way",
    )

    def __init__(self, server: PlainServer) -> None:
        self._server = server
        self._requests = HttpRequestParser(
            self,
            server.loop,
            PIECES_BYTES,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
        )
        super().__init__(server.loop, self._requests)
        self._under_way = False
        self._closing = False
        self._answered_at = time.perf_counter()
        self._ahead: list[bytes] = []
        self._pieces: list[bytes] = []
        self._partial: tuple[RawRequestMessage, StreamReader] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender is there."""
        super().connection_made(transport)
        self._server.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It left; a delivery under way goes on."""
        super().connection_lost(exc)
        self._server.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take in the delivery, or give the connection to aiohttp."""
        if self._under_way or self.writing_paused:
            # Sent ahead of an answer: in order, and no further reading meanwhile.
            self._ahead.append(data)
            self._pause_transport_reading()
            return
        try:
            messages, upgraded, _ = self._requests.feed_data(data)
        except HttpProcessingError:
            self._give_away(data)
            return
        if self._partial is not None:
            if messages:
                self._give_away(data)
                return
            message, content = self._partial
        elif len(messages) == 1 and not upgraded:
            message, content = messages[0]
            intake = self._server.intakes.get(message.path)
            if intake is None or not _is_plain(message):
                self._give_away(data)
                return
            self._intake = intake
        else:
            self._give_away(data)
            return
        if content.is_eof():
            self._take_in(message, content)
        else:
            self._wait(message, content, data)

    def pause_reading(self) -> None:
        """Asked by a body's reader when it holds much: it never holds more than one read here."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Asked by a body's reader whenever it is emptied: nothing was paused."""

    def pause_writing(self) -> None:
        """The sender does not read its answers: no more of its deliveries."""
        super().pause_writing()
        self._pause_transport_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if not self._under_way:
            self._go_on()

    def close_if_idle(self, before: float) -> None:
        """Close the connection if nothing is under way and the last answer was ``before``."""
        idle = not self._under_way and self._partial is None and self._answered_at < before
        if idle and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    def _wait(self, message: RawRequestMessage, content: StreamReader, data: bytes) -> None:
        """The body is not whole yet: give it a moment."""
        if self._partial is None:
            length = message.headers.get(_LENGTH)
            if length is None or int(length) > PIECES_BYTES:
                self._give_away(data)
                return
            self._partial = (message, content)
            self._timer = self._loop.call_later(PIECE_SECONDS, self._give_away, b"")
        self._pieces.append(data)

    def _take_in(self, message: RawRequestMessage, content: StreamReader) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._partial = None
            self._pieces.clear()
        server = self._server
        headers = message.headers
        self._started = time.perf_counter()
        self._under_way = True
        self._closing = bool(message.should_close)
        try:
            with server.admission.hold() as hold:
                refuse_encoding(headers)
                body = whole_body(content, hold, limit=server.body_limit)
                self._intake.take_in(headers, body, hold, self._answer)
        except Refused as refused:
            self._answer(self._intake.refuse(refused, self._intake.path))

    def _answer(self, answer: Answer) -> None:
        server = self._server
        self._under_way = False
        self._answered_at = now = time.perf_counter()
        server.telemetry.answered(self._intake.path, "POST", answer.status, now - self._started)
        transport = self.transport
        if transport is None:
            return
        transport.write(server.wire.encode(answer, close=self._closing))
        if self._closing or server.draining:
            transport.close()
        elif self._ahead and not self.writing_paused:
            self._go_on()

    def _go_on(self) -> None:
        """Read again, first what came ahead of the answer."""
        ahead = b"".join(self._ahead)
        self._ahead.clear()
        self._resume_transport_reading()
        if ahead:
            self.data_received(ahead)

    def _give_away(self, data: bytes) -> None:
        """aiohttp takes over, from the first byte that has no answer yet."""
        if self._timer is not None:
            self._timer.cancel()
        transport = self.transport
        self._server.discard(self)
        if transport is None or self._server.draining:
            if transport is not None:
                transport.close()
            return
        protocol = self._server.fallback()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(b"".join((*self._pieces, data)))


def _is_plain(message: RawRequestMessage) -> bool:
    return (
        message.method == "POST"
        and message.version == HttpVersion11
        and not message.upgrade
        and _EXPECT not in message.headers
    )
