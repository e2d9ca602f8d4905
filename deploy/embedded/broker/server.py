"""The listening socket: accepts up to the bound, watches patience, stops in order."""

import asyncio
import logging

from .broker import Broker
from .connection import Connection

log = logging.getLogger(__name__)

_CHECK_SECONDS = 1.0
_READ_AHEAD_BYTES = 1024 * 1024


class Server:
    """Accepts Kafka clients for one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._patience: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raises OSError."""
        settings = self._broker.settings
        self._server = await asyncio.start_server(
            self._accept, settings.host, settings.port, limit=_READ_AHEAD_BYTES, backlog=256
        )
        self._broker.port = self._server.sockets[0].getsockname()[1]
        self._patience = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop accepting, and end the connections."""
        if self._server is not None:
            self._server.close()
        if self._patience is not None:
            self._patience.cancel()
        for connection in self._connections.values():
            connection.finish()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._broker.settings.max_connections:
            self._broker.metrics.closed.labels("too_many_connections").inc()
            writer.transport.abort()
            return
        connection = Connection(self._broker, reader, writer)
        task = asyncio.create_task(connection.run())
        self._connections[task] = connection
        self._broker.connection_count = len(self._connections)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        del self._connections[task]
        self._broker.connection_count = len(self._connections)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection ended by a fault", exc_info=error)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            for connection in list(self._connections.values()):
                connection.check_patience(loop.time())
