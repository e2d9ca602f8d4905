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

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.streams import StreamReader
from multidict import istr

from services.ingest.answer import Answer
from services.ingest.body import refuse_encoding, whole_body
from services.ingest.front import Front
from services.ingest.problem import (
    RETRY_AFTER_SECONDS,
    TOO_MANY_CONNECTIONS,
    Refused,
)
from services.ingest.samples import NOBODY, Seen

PIECE_SECONDS = 0.02
"""How long a body may be in coming before aiohttp takes over, with its timers."""
PIECES_BYTES = 256 * 1024
"""Larger bodies come in several pieces anyway; this bounds what is kept of one meanwhile."""

_LENGTH = istr("Content-Length")
_EXPECT = istr("Expect")


class PlainConnection(BaseProtocol):
    """One sender's connection, as long as it sends plain deliveries."""

    __slots__ = (
        "_ahead",
        "_answered_at",
        "_closing",
        "_front",
        "_intake",
        "_partial",
        "_pieces",
        "_requests",
        "_started",
        "_timer",
        "_under_way",
    )

    def __init__(self, front: Front, loop: asyncio.AbstractEventLoop) -> None:
        self._front = front
        heads = front.heads
        self._requests = HttpRequestParser(
            self,
            loop,
            PIECES_BYTES,
            max_line_size=heads.url_bytes,
            max_headers=heads.fields,
            max_field_size=heads.field_bytes,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
        )
        super().__init__(loop, self._requests)
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
        if not self._front.connections.add(self):
            self._refuse_connection()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It left; a delivery under way goes on."""
        super().connection_lost(exc)
        self._front.connections.discard(self)
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
            intake = self._front.intakes.get(message.path)
            if intake is None or not _is_plain(message):
                self._give_away(data)
                return
            if len(data) > self._front.heads.total_bytes:
                # A large body mostly, but the head might be.
                try:
                    self._front.heads.check(message.raw_headers)
                except Refused:
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

    @property
    def waiting_since(self) -> float | None:
        """Since when it waits for a request; ``None`` while one is under way."""
        return None if self._under_way or self._partial is not None else self._answered_at

    def end(self) -> None:
        """Close it now."""
        if self.writing_paused:
            # Nobody reads what is still to be sent.
            self.abort()
        elif self.transport is not None:
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
        front = self._front
        headers = message.headers
        self._started = time.perf_counter()
        self._under_way = True
        self._closing = bool(message.should_close)
        intake = self._intake
        body: bytes | None = None
        try:
            with intake.room.hold() as hold:
                refuse_encoding(headers)
                body = whole_body(content, hold, front.bodies)
                intake.take_in(headers, body, hold, self._answer, self._peer)
        except Refused as refused:
            self._answer(intake.refuse(refused, headers, body, self._peer))

    def _answer(self, answer: Answer) -> None:
        front = self._front
        self._under_way = False
        self._answered_at = now = time.perf_counter()
        front.telemetry.answered(self._intake.path, "POST", answer.status, now - self._started)
        transport = self.transport
        if transport is None:
            return
        transport.write(front.wire.encode(answer, close=self._closing))
        if self._closing or front.draining:
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

    def _peer(self) -> object:
        """Address of the other end."""
        return None if self.transport is None else self.transport.get_extra_info("peername")

    def _refuse_connection(self) -> None:
        """There is no room for it: tell, and close."""
        front = self._front
        refused = Refused(
            TOO_MANY_CONNECTIONS,
            f"{front.connections.most} connections are open, with a request under way on each",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
        answer = front.refusals.answer(refused, "this address", Seen(NOBODY, peer=self._peer))
        front.telemetry.answered("unmatched", "", answer.status, 0.0)
        if self.transport is not None:
            self.transport.write(front.wire.encode(answer, close=True))
            self.transport.close()

    def _give_away(self, data: bytes) -> None:
        """aiohttp takes over, from the first byte that has no answer yet."""
        if self._timer is not None:
            self._timer.cancel()
        transport = self.transport
        front = self._front
        if transport is None or front.draining:
            if transport is not None:
                transport.close()
            return
        front.connections.discard(self)
        protocol = front.framework(front)
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
