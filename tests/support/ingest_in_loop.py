"""ingest in the test's own event loop, with a stand-in for broker and spool, or with none.

Starting one costs a few milliseconds, so a test may have as many as it has settings to try.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch
from urllib.parse import urlsplit

from deploy.generator.signatures import Request, sign
from services.ingest.app import IngestApp, create
from services.ingest.config import IngestSettings
from services.ingest.source_settings import secrets_field
from shared.sources.registry import SOURCES
from tests.support.ingest_in_process import Broker

NO_BROKER = "127.0.0.1:1"
PUBLIC = "https://hooks.example"
"""What vendors are told to call."""
SOMEBODYS = "a-secret-of-somebody"
"""Of sources without examples."""
ANSWER_SECONDS = 20.0
"""Longest wait for an answer: the test fails then, and does not hang."""


def settings(directory: Path, **changed: Any) -> IngestSettings:
    """Every source's example secret, any free port, a spool of its own."""
    secrets = {
        secrets_field(name): (source.examples[0].secret if source.examples else SOMEBODYS,)
        for name, source in SOURCES.items()
    }
    return IngestSettings(
        _env_file=None,
        **{
            "brokers": NO_BROKER,
            "ingest_port": 0,
            "ingest_public_urls": (PUBLIC,),
            "ingest_spool_dir": directory / "spool",
            **secrets,
            **changed,
        },
    )


@contextlib.asynccontextmanager
async def served(
    directory: Path, *, stand_in: bool = True, **changed: Any
) -> AsyncIterator[IngestApp]:
    """A running ingest with these settings changed, listening on ``port``.

    Without the stand-in it has its own publisher, and so a spool in ``directory``.
    """
    thresholds = gc.get_threshold()
    if stand_in:
        with patch("services.ingest.app.Publisher", Broker):
            app = create(settings(directory, **changed))
    else:
        app = create(settings(directory, **changed))
    stop = asyncio.Event()
    running = asyncio.ensure_future(app.run(stop))
    listening = asyncio.ensure_future(app.listening.wait())
    try:
        await asyncio.wait((running, listening), return_when=asyncio.FIRST_COMPLETED)
        yield app
    finally:
        listening.cancel()
        stop.set()
        await running
        # What a process does for its own life is not for the tests that come later.
        gc.unfreeze()
        gc.set_threshold(*thresholds)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """Slug of the problem that it is."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return str(self.json["type"]).removeprefix("/docs#")


class Sender:
    """One connection, byte by byte as the test wants it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> Self:
        """Connect to this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Send bytes; a connection that is closed by the other side takes none."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def answer(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            status, *fields = head.strip().split("\r\n")
            headers = {
                name.lower(): text for name, _, text in (each.partition(": ") for each in fields)
            }
            body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split()[1]), headers, body)

    async def hears(self, within_s: float) -> bool:
        """Whether anything comes within so long, an end included."""
        try:
            async with asyncio.timeout(within_s):
                await self._reader.read(1)
        except TimeoutError:
            return False
        return True

    async def ended(self, within_s: float = ANSWER_SECONDS) -> bool:
        """Whether the other side closes within so long."""
        try:
            async with asyncio.timeout(within_s):
                return await self._reader.read(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True


def request(
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
) -> bytes:
    """A request of HTTP/1.1."""
    fields = {"Host": "x", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def signed(
    source: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[str, bytes, dict[str, str]]:
    """Target, body and headers of a delivery signed now: the source's first example, or a body."""
    spec = SOURCES[source]
    example = spec.examples[0]
    path = urlsplit(example.path).path
    body = example.body if body is None else body
    signature = sign(
        spec.signature, example.secret, Request(PUBLIC + path, body, time.time(), "msg_1")
    )
    target = f"{path}?{signature.query}" if signature.query else path
    kept = {
        name: text
        for name, text in example.headers.items()
        if "signature" not in name.lower() and "hmac" not in name.lower()
    }
    return target, body, {**kept, **(headers or {}), **signature.headers}


async def ask(app: IngestApp, sent: bytes) -> Answer:
    """Send one request on a connection of its own."""
    async with await Sender.connect(app.port) as sender:
        await sender.send(sent)
        return await sender.answer()


async def post(
    app: IngestApp,
    source: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a signed delivery on a connection of its own."""
    return await ask(app, request(*signed(source, body, headers)))


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fails when it does not in time."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells when it begins to hold
            await asyncio.sleep(0.005)
