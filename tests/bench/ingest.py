"""How many verified, durable webhooks one core takes, beside a bare aiohttp server.

The embedded broker, ingest, and a server that reads the body and answers 202 get the same signed
order in turns. Requests per CPU-second of the server process hardly depend on other load on the
machine; the sender and the broker are other processes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.cli.output import progress
from shared.runtime.errors import CheckFailed, Unavailable
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.broker import BrokerProcess, free_port
from tests.support.ingest import IngestProcess, create_topics, shopify_signature

CONNECTIONS = 64
LISTENS_WITHIN_SECONDS = 20.0
REQUESTS = 8000
"""To each server in each round."""

QUICK_REQUESTS = 2000

PATH = "/webhooks/shopify/orders"
BARE = """
import asyncio, sys
from aiohttp import web

async def answer(request):
    await request.read()
    return web.Response(status=202)

async def main():
    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()

try:
    import uvloop
    loop_factory = uvloop.new_event_loop
except ImportError:
    loop_factory = None
with asyncio.Runner(loop_factory=loop_factory) as runner:
    runner.run(main())
"""


def order() -> bytes:
    """A nested order of about 800 bytes."""
    line = {"id": 5_000_000_000, "title": "Shirt", "price": "6.00", "quantity": 1}
    tax = {"title": "State Tax", "price": "0.48", "rate": 0.08}
    return json.dumps(
        {
            "id": 4_000_000_000,
            "email": "ada@example.com",
            "updated_at": "2024-01-15T10:30:00-05:00",
            "total_price": "24.00",
            "customer": {"id": 1_000_000_000, "email": "ada@example.com"},
            "line_items": [{**line, "tax_lines": [tax]} for _ in range(5)],
        }
    ).encode()


def request_of(body: bytes) -> bytes:
    """The delivery as the vendor sends it."""
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Shop-Domain": "ada.example",
        "X-Shopify-API-Version": "2024-10",
        **shopify_signature(body),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + body


class Load:
    """``count`` requests shared by all connections, and the status of every answer."""

    def __init__(self, request: bytes, count: int) -> None:
        self.request = request
        self.unsent = count
        self.unanswered = count
        self.statuses: set[bytes] = set()
        self.done = asyncio.Event()


class Sender(asyncio.Protocol):
    """One connection: the next request when the answer to the last one is complete."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if separator and len(body) >= int(length):
            self._buffer = b""
            self._load.statuses.add(head[9:12])
            self._load.unanswered -= 1
            if not self._load.unanswered:
                self._load.done.set()
            self._next()

    def _next(self) -> None:
        if self._load.unsent:
            self._load.unsent -= 1
            self._transport.write(self._load.request)
        else:
            self._transport.close()


async def send(port: int, request: bytes, count: int) -> set[bytes]:
    """The statuses that ``count`` requests were answered with."""
    load = Load(request, count)
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Sender(load), "127.0.0.1", port)
    await load.done.wait()
    return load.statuses


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Requests per CPU-second of both servers, in turns."""
    count = QUICK_REQUESTS if quick else REQUESTS
    request = request_of(order())
    ours: list[float] = []
    bares: list[float] = []
    with tempfile.TemporaryDirectory() as directory, bare_server() as (bare, port):
        broker = BrokerProcess(Path(directory))
        try:
            broker.start()
            create_topics(broker.bootstrap)
            with IngestProcess(Path(directory), broker.bootstrap) as ingest:
                ingest.wait_ready()
                assert ingest.process is not None
                for number in range(rounds):
                    bares.append(_per_cpu_second(bare, port, request, b"202", count))
                    served = ingest.process.pid, ingest.port
                    ours.append(_per_cpu_second(*served, request, b"200", count))
                    progress("round done", number=number + 1, of=rounds)
        finally:
            broker.close()
    name = f"webhooks of {len(order())} bytes, verified and acknowledged by the broker"
    peer = "bare aiohttp server, answers 202"
    return [measure(name, ours, "1/CPU-s", peer=peer, peer_values=bares)]


@contextmanager
def bare_server() -> Iterator[tuple[int, int]]:
    """The peer: its pid and port, as soon as it listens."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        deadline = time.monotonic() + LISTENS_WITHIN_SECONDS
        while not _listens(port):
            code = process.poll()
            if code is not None or time.monotonic() > deadline:
                raise Unavailable(f"the bare server does not listen (exit code {code})")
            time.sleep(0.02)
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _per_cpu_second(pid: int, port: int, request: bytes, status: bytes, count: int) -> float:
    before = cpu_seconds(pid)
    statuses = asyncio.run(send(port, request, count))
    used = cpu_seconds(pid) - before
    if statuses != {status}:
        raise CheckFailed(f"port {port} answered {sorted(statuses)}, not only {status!r}")
    return count / used
