"""Senders of webhooks: as fast as they are answered, or at a fixed rate.

They speak just enough HTTP/1.1 to send prepared requests over open connections and to find the end
of an answer, so that one core can drive a server that has one core.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

from tests.support.vendor_signatures import shopify_signature

PATH = "/webhooks/shopify/orders"


def order(number: int) -> bytes:
    """A nested order of about 900 bytes."""
    line = {"id": 5_000_000_000, "title": "Shirt", "price": "6.00", "quantity": 1}
    tax = {"title": "State Tax", "price": "0.48", "rate": 0.08}
    return json.dumps(
        {
            "id": 4_000_000_000 + number,
            "email": "ada@example.com",
            "updated_at": "2024-01-15T10:30:00-05:00",
            "total_price": "24.00",
            "customer": {"id": 1_000_000_000, "email": "ada@example.com"},
            "line_items": [{**line, "tax_lines": [tax]} for _ in range(5)],
        }
    ).encode()


def delivery(number: int) -> bytes:
    """The order as the vendor sends it: a signed request."""
    body = order(number)
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Event-Id": f"98880550-7158-44d4-b7cd-2c97{number:08x}",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Shop-Domain": "ada.example",
        "X-Shopify-API-Version": "2024-10",
        **shopify_signature(body),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + body


class Load:
    """Requests shared by all connections, and what became of them.

    Attributes:
        statuses: how often each status was answered.
        seconds: from the moment a request was due, or sent, to its whole answer.
        done: set when as many were answered as were wanted.
    """

    def __init__(self, requests: Sequence[bytes], count: int) -> None:
        self.statuses: Counter[bytes] = Counter()
        self.seconds: list[float] = []
        self.done = asyncio.Event()
        self._requests: Iterator[bytes] = itertools.islice(itertools.cycle(requests), count)
        self._unanswered = count

    def next(self) -> bytes | None:
        """The next request; ``None`` after the last one."""
        return next(self._requests, None)

    def answered(self, status: bytes, seconds: float) -> None:
        """Note one answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)
        self._unanswered -= 1
        if not self._unanswered:
            self.done.set()


class Sender(asyncio.Protocol):
    """One connection.

    With ``idle`` it puts itself there after every answer and waits for :meth:`send`; without, it
    sends the next request at once.
    """

    def __init__(self, load: Load, idle: asyncio.Queue[Sender] | None = None) -> None:
        self._load = load
        self._idle = idle
        self._buffer = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._go_on()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if separator and len(body) >= int(length):
            self._buffer = b""
            self._load.answered(head[9:12], time.perf_counter() - self._since)
            self._go_on()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at ``due``, a reading of ``time.perf_counter``."""
        self._since = due
        self.transport.write(request)

    def _go_on(self) -> None:
        if self._idle is not None:
            self._idle.put_nowait(self)
        elif (request := self._load.next()) is not None:
            self.send(request, time.perf_counter())


async def saturate(port: int, requests: Sequence[bytes], count: int, connections: int) -> Load:
    """``count`` requests, each connection sending its next one when it has its answer."""
    load = Load(requests, count)
    senders = await _connect(port, load, connections, None)
    await load.done.wait()
    _close(senders)
    return load


async def pace(
    port: int, requests: Sequence[bytes], count: int, connections: int, rate: float
) -> Load:
    """``count`` requests at ``rate`` a second, whatever the answers do.

    A request that finds no free connection waits for one, and this wait is part of its time.
    """
    load = Load(requests, count)
    idle: asyncio.Queue[Sender] = asyncio.Queue()
    senders = await _connect(port, load, connections, idle)
    start = time.perf_counter()
    for number in range(count):
        due = start + number / rate
        await asyncio.sleep(due - time.perf_counter())
        sender = await idle.get()
        request = load.next()
        assert request is not None
        sender.send(request, due)
    await load.done.wait()
    _close(senders)
    return load


def listens(port: int) -> bool:
    """Whether a port of this machine accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _connect(
    port: int, load: Load, connections: int, idle: asyncio.Queue[Sender] | None
) -> list[Sender]:
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Sender(load, idle), "127.0.0.1", port)
        for _ in range(connections)
    ]
    return [sender for _, sender in made]


def _close(senders: Sequence[Sender]) -> None:
    for sender in senders:
        sender.transport.close()
