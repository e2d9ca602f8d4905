"""ingest as it runs, in a thread of this process, with a stand-in for what is behind it."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog

from services.ingest.admission import Hold
from services.ingest.app import IngestApp, create
from services.ingest.config import IngestSettings
from services.ingest.source_settings import secrets_field
from services.ingest.spool.answers import SpoolFull
from shared.runtime.errors import Unavailable
from shared.sources.registry import SOURCES

DEADLINE_SECONDS = 30.0


class Broker:
    """Stands for the publisher, spool and all: does with a record what it is told to.

    Attributes:
        behaviour: ``takes`` it, ``is away``, ``gives up`` later, ``has no room``, or ``breaks``.
        spares: how many records it takes before it behaves so.
        sent: topic, key and value of what it took.
    """

    reason = None
    trouble = None
    keeping = None

    def __init__(self, *_: object) -> None:
        self.behave("takes")

    def behave(self, behaviour: str, spares: int = 0) -> None:
        self.behaviour = behaviour
        self.spares = spares
        self.sent: list[tuple[str, bytes, bytes]] = []

    async def start(self) -> None:
        pass

    async def close(self, *_: object) -> None:
        pass

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Callable[[], object],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
        source: str | None = None,
    ) -> None:
        behaviour = "takes" if len(self.sent) < self.spares else self.behaviour
        if behaviour == "is away":
            raise Unavailable("the broker is away")
        if behaviour == "has no room":
            raise SpoolFull("the spool is full")
        if behaviour == "breaks":
            raise ZeroDivisionError
        hold.lend()
        headers()
        self.sent.append((topic, key, value))
        why = Unavailable("the broker was too slow") if behaviour == "gives up" else None

        def settle() -> None:
            settled(why)
            hold.give_back()

        asyncio.get_running_loop().call_soon(settle)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response; headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class InProcess:
    """A running ingest.

    Attributes:
        app: its application; to be looked at only.
        broker: what is behind it.
        logged: what it has said.
    """

    def __init__(self, app: IngestApp, broker: Broker, logged: Sequence[object]) -> None:
        self.app = app
        self.broker = broker
        self.logged = logged

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.app.port}"

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request on a connection of its own."""
        return self.exchange(
            lambda connection: connection.request(method, path, body, dict(headers or {}))
        )

    def exchange(self, send: Callable[[http.client.HTTPConnection], None]) -> Answer:
        """Send something on a connection of its own; its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.app.port, timeout=10)
        try:
            send(connection)
            response = connection.getresponse()
            headers = {name.lower(): text for name, text in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()


@contextmanager
def running(directory: Path, *, secrets: bool = True, **settings: object) -> Iterator[InProcess]:
    """ingest with the secrets of the sources' examples, or none, and these settings."""
    given: dict[str, object] = {"ingest_port": 0, "ingest_spool": False, "data_dir": directory}
    for source in SOURCES.values():
        secret = source.examples[0].secret if source.examples else "a-secret-of-somebody"
        given[secrets_field(source.name)] = secret if secrets else ""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    broker = Broker()
    thresholds = gc.get_threshold()
    with (
        patch("services.ingest.app.Publisher", lambda *_: broker),
        patch("services.ingest.app.gc.freeze"),
        structlog.testing.capture_logs() as logged,
    ):
        app = _made(loop, given | settings)
        ended = threading.Thread(target=loop.run_until_complete, args=(app.run(stop),))
        ended.start()
        try:
            while not app.port:
                assert ended.is_alive()
                ended.join(0.01)
            yield InProcess(app, broker, logged)
        finally:
            loop.call_soon_threadsafe(stop.set)
            ended.join(DEADLINE_SECONDS)
            loop.close()
            gc.set_threshold(*thresholds)


def _made(loop: asyncio.AbstractEventLoop, settings: dict[str, object]) -> IngestApp:
    async def made() -> IngestApp:
        return create(IngestSettings(**settings))  # type: ignore[arg-type]

    return loop.run_until_complete(made())
