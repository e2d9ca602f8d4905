"""Sending again: whatever goes wrong meanwhile, nothing is passed over and it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.ingest.spool import replayer as replaying
from services.ingest.spool.episode import Episodes
from services.ingest.spool.replayer import Replayer
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read
from shared.runtime.errors import Unavailable

KEY = StreamKey("stripe", "stripe.charges")


class Broker:
    """Takes everything, but not before it raised what it was told to."""

    def __init__(self, *raised: Exception) -> None:
        self.raised = list(raised)
        self.got: list[bytes] = []

    async def open(self, topic: str) -> None:
        return

    async def send(
        self, topic: str, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        if self.raised:
            raise self.raised.pop()
        for read in reads:
            self.got.append(read.entry.value)
            acknowledged(read)
        return None


async def kept(spool: Spool, *values: bytes) -> None:
    """Records that are durable in the spool."""
    loop = asyncio.get_running_loop()
    done: list[asyncio.Future[Unavailable | None]] = []
    for value in values:
        settled: asyncio.Future[Unavailable | None] = loop.create_future()
        spool.put(KEY, b"key", value, [], settled.set_result)
        done.append(settled)
    assert await asyncio.gather(*done) == [None] * len(values)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "LAST_RETRY_S", 0.01)
    monkeypatch.setattr(replaying, "LOOK_AFTER_EVERY_S", 0.01)


@pytest.mark.asyncio
@pytest.mark.usefixtures("at_once")
async def test_what_was_read_before_something_unforeseen_is_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=2**20, share=0.5)
    spool.start()
    await kept(spool, b"1", b"2")
    broker = Broker(RuntimeError("a fault"))
    replayer = Replayer(spool, broker, Episodes("here", lambda _event: None))
    replayer.start()
    async with asyncio.timeout(20):
        while spool.outstanding:  # noqa: ASYNC110 - several tasks move it
            await asyncio.sleep(0.01)
    assert broker.got == [b"1", b"2"]
    await replayer.stop()
    await spool.close(5.0)


@pytest.mark.asyncio
@pytest.mark.usefixtures("at_once")
async def test_it_goes_on_when_looking_after_the_directories_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, max_bytes=2**20, share=0.5)
    spool.start()
    broker = Broker()
    replayer = Replayer(spool, broker, Episodes("here", lambda _event: None))
    failed = asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise RuntimeError("a fault")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(spool, "look_after", fail)
        replayer.start()
        async with asyncio.timeout(20):
            await failed.wait()
    await kept(spool, b"1")
    async with asyncio.timeout(20):
        while spool.outstanding:  # noqa: ASYNC110 - several tasks move it
            await asyncio.sleep(0.01)
    assert broker.got == [b"1"]
    await replayer.stop()
    await spool.close(5.0)
