"""The admin port: ``/v1/status/ready`` and ``/public_metrics``, as Redpanda has them."""

import asyncio
import logging

from prometheus_client import CONTENT_TYPE_LATEST

from .broker import Broker

log = logging.getLogger(__name__)

_MAX_HEAD_BYTES = 8192
_PATIENCE_SECONDS = 10.0
_MAX_CONNECTIONS = 64


class AdminHttp:
    """A minimal HTTP/1.1 server: GET only, one request per connection."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self) -> None:
        """Listen on the admin port; raises OSError."""
        settings = self._broker.settings
        self._server = await asyncio.start_server(
            self._serve, settings.host, settings.admin_port, limit=_MAX_HEAD_BYTES
        )

    def stop(self) -> None:
        """Stop accepting."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MAX_CONNECTIONS:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away or does not speak HTTP: nothing to tell it
        except Exception:
            log.exception("an admin request failed")
        finally:
            self._open -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(b" ")[0].split(b"?")[0]
        if method != b"GET":
            return _response("405 Method Not Allowed", "text/plain", b"only GET\n")
        if path == b"/v1/status/ready":
            return _response("200 OK", "application/json", b'{"status":"ready"}')
        if path == b"/public_metrics":
            return _response("200 OK", CONTENT_TYPE_LATEST, self._broker.metrics.text())
        return _response("404 Not Found", "text/plain", b"see /v1/status/ready, /public_metrics\n")


def _response(status: str, content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
