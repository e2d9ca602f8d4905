"""One client connection: frames in, answers out, in order, and never more than the bounds allow.

Requests of a connection run one after another; only produce requests overlap, so that several of
them share a group commit. Whatever cannot be understood closes the connection, as Kafka does.
"""

import asyncio
import contextlib
import logging
import struct

from .apis import API_VERSIONS, APIS, BEFORE_AUTHENTICATION, SASL_AUTHENTICATE
from .broker import Broker
from .errors import MalformedRequest
from .request import Request
from .sasl import SaslSession
from .schema import Fields, message
from .wire import Reader, Writer

log = logging.getLogger(__name__)

_SIZE = struct.Struct(">i")
_FINISH_SECONDS = 0.5
_MEASURED = {"Produce": "produce", "Fetch": "consume"}  # API → redpanda_request
_Answer = tuple[Request, "asyncio.Task[Fields | None]"]


class Connection:
    """Serves one client until it leaves, misbehaves, or the server stops."""

    def __init__(
        self, broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._broker = broker
        self._reader = reader
        self._writer = writer
        peer = writer.get_extra_info("peername")
        self._host = str(peer[0]) if peer else "unknown"
        self._sasl = SaslSession(broker.settings.sasl_users)
        self._answers: asyncio.Queue[_Answer] = asyncio.Queue(broker.settings.max_in_flight)
        self._loop = asyncio.get_running_loop()
        self._waiting_since: float | None = self._loop.time()  # for a request
        self._stalled_since: float | None = None  # inside a frame, or while sending
        self._unsent = 0
        self._finishing = False
        self._reading: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve; never raises but CancelledError."""
        answering = asyncio.create_task(self._answer())
        self._reading = reading = asyncio.create_task(self._read())
        reason = ""
        try:
            await asyncio.wait((answering, reading), return_when=asyncio.FIRST_COMPLETED)
            if self._finishing:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._answers.join(), _FINISH_SECONDS)
        finally:
            for task in (reading, answering):
                task.cancel()
            results = await asyncio.gather(reading, answering, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    reason = reason or self._reason(result)
            if reason:
                self._broker.metrics.closed.labels(reason).inc()
            self._drop_answers()
            self._writer.close()

    def finish(self) -> None:
        """Read no more requests; ``run`` ends when those at hand are answered, or soon after."""
        self._finishing = True
        if self._reading is not None:
            self._reading.cancel()

    def check_patience(self, now: float) -> None:
        """Close the connection when it is idle, or stands still inside a frame, for too long."""
        settings = self._broker.settings
        idle = self._waiting_since is not None and not self._unsent
        if idle and now - (self._waiting_since or now) > settings.idle_seconds:
            self._broker.metrics.closed.labels("idle").inc()
            self._writer.transport.abort()
        elif self._stalled_since and now - self._stalled_since > settings.stall_seconds:
            self._broker.metrics.closed.labels("stalled").inc()
            self._writer.transport.abort()

    # -- reading --

    async def _read(self) -> None:
        while True:
            self._waiting_since = self._loop.time()
            prefix = await self._reader.readexactly(_SIZE.size)
            (size,) = _SIZE.unpack(prefix)
            if not 0 < size <= self._broker.settings.max_request_bytes:
                raise MalformedRequest(f"a frame of {size} bytes")
            await self._broker.request_budget.acquire(size)
            try:
                self._waiting_since, self._stalled_since = None, self._loop.time()
                frame = await self._reader.readexactly(size)
                self._stalled_since = None
                request = self._decode(frame)
                request.request_bytes = size
            except BaseException:
                self._broker.request_budget.release(size)
                raise
            await self._start(request)

    def _decode(self, frame: bytes) -> Request:
        reader = Reader(frame)
        key, version, correlation_id = reader.int16(), reader.int16(), reader.int32()
        client_id = reader.nullable_string() or ""
        api = APIS.get(key)
        too_new = key == API_VERSIONS and api is not None and version > api.newest
        if api is None or not (api.oldest <= version <= api.newest or too_new):
            raise MalformedRequest(f"API {key} version {version} is not offered")
        if not self._sasl.authenticated and key not in BEFORE_AUTHENTICATION:
            raise PermissionError("a request before authentication")
        version = 0 if too_new else version
        body = message(api.request, version).read(reader)
        return Request(
            api,
            version,
            correlation_id,
            client_id,
            body,
            self._host,
            self._sasl,
            self._loop.time(),
            is_too_new=too_new,
        )

    async def _start(self, request: Request) -> None:
        try:
            if not request.api.pipelined:
                await self._answers.join()
        except BaseException:
            self._broker.request_budget.release(request.request_bytes)
            raise
        self._unsent += 1
        task: asyncio.Task[Fields | None] = asyncio.create_task(
            request.api.handler(self._broker, request)  # type: ignore[arg-type]
        )
        try:
            await self._answers.put((request, task))
        except BaseException:
            task.cancel()
            self._release(request)
            raise

    # -- answering --

    async def _answer(self) -> None:
        while True:
            request, task = await self._answers.get()
            try:
                answer = await task
                if answer is not None:
                    self._stalled_since = self._stalled_since or self._loop.time()
                    self._writer.writelines(_encoded(request, answer))
                    await self._writer.drain()
                    self._stalled_since = None
                self._observe(request)
            finally:
                if not task.done():
                    task.cancel()
                self._release(request)
                self._answers.task_done()
            if request.api.key == SASL_AUTHENTICATE and not self._sasl.authenticated:
                raise PermissionError("SASL authentication failed")

    def _observe(self, request: Request) -> None:
        kind = _MEASURED.get(request.api.name)
        if kind is not None:
            elapsed = self._loop.time() - request.received_at
            self._broker.metrics.latency.labels(kind).observe(elapsed)

    def _release(self, request: Request) -> None:
        self._unsent -= 1
        self._broker.request_budget.release(request.request_bytes)
        self._broker.fetch_budget.release(request.answer_bytes)

    def _drop_answers(self) -> None:
        while not self._answers.empty():
            request, task = self._answers.get_nowait()
            task.cancel()
            self._release(request)

    def _reason(self, error: BaseException) -> str:
        """Why the connection ends, as a metric label; empty for the ordinary end."""
        if isinstance(error, asyncio.CancelledError):
            return ""
        if isinstance(error, asyncio.IncompleteReadError):
            return "torn_frame" if error.partial or self._stalled_since else ""
        if isinstance(error, ConnectionAbortedError):
            return "produce_without_acks_failed"
        if isinstance(error, ConnectionError):
            return "connection_lost"
        if isinstance(error, PermissionError):
            log.warning("connection from %s refused: %s", self._host, error)
            return "not_authenticated"
        if isinstance(error, MalformedRequest):
            log.warning("connection from %s closed: %s", self._host, error)
            return "malformed_request"
        log.error("connection from %s closed by a fault", self._host, exc_info=error)
        return "fault"


def _encoded(request: Request, answer: Fields) -> list[bytes | bytearray | memoryview]:
    writer = Writer()
    message(request.api.answer, request.version).write(writer, answer)
    return writer.frame(request.correlation_id)
