"""How many verified, durable webhooks one core takes, beside a bare aiohttp server.

``python -m tests.bench.ingest [requests]`` starts the embedded broker, ingest and a server that
reads the body and answers 202, sends the same signed order to both in turns, and prints requests
per CPU-second of the server process: a ratio that other load on the machine hardly touches.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.support.broker import BrokerProcess, free_port
from tests.support.ingest import IngestProcess, create_topics, shopify_signature

CONNECTIONS = 64
ROUNDS = 3
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


def measure(name: str, pid: int, port: int, request: bytes, count: int, status: bytes) -> float:
    """Requests per CPU-second of a process."""
    process = psutil.Process(pid)
    before, started = process.cpu_times(), time.perf_counter()
    statuses = asyncio.run(send(port, request, count))
    after, wall = process.cpu_times(), time.perf_counter() - started
    if statuses != {status}:
        raise SystemExit(f"{name} answered {statuses}")
    cpu = after.user + after.system - before.user - before.system
    print(f"{name:8} {count / cpu:8.0f} per CPU-second {count / wall:8.0f} per second")
    return count / cpu


def main() -> None:
    """Print the rounds and the ratio of the medians."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    request = request_of(order())
    with tempfile.TemporaryDirectory() as directory:
        broker = BrokerProcess(Path(directory))
        port = free_port()
        bare = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
        try:
            broker.start()
            create_topics(broker.bootstrap)
            with IngestProcess(Path(directory), broker.bootstrap) as ingest:
                ingest.wait_ready()
                assert ingest.process is not None
                rounds = [
                    (
                        measure("bare", bare.pid, port, request, count, b"202"),
                        measure("ingest", ingest.process.pid, ingest.port, request, count, b"200"),
                    )
                    for _ in range(ROUNDS)
                ]
        finally:
            bare.kill()
            bare.wait()
            broker.close()
    bares, ingests = (sorted(side)[ROUNDS // 2] for side in zip(*rounds, strict=True))
    print(f"ingest does {ingests / bares:.0%} of a bare server")


if __name__ == "__main__":
    main()
