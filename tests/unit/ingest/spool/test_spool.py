"""The spool's edge: what is read of it holds up nobody, and what was taken over takes room, too."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from services.ingest.config import IngestSettings
from services.ingest.publisher import Publisher
from services.ingest.spool import spool as spooling
from services.ingest.spool.answers import SpoolFull
from services.ingest.spool.held import Held, open_own
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import StreamKey
from shared.runtime.errors import Unavailable

KEY = StreamKey("stripe", "stripe.charges")


@pytest.mark.asyncio
async def test_deliveries_are_kept_while_the_spools_of_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()

    def read(root: Path, after_s: float, segment_bytes: int) -> list[Held]:
        assert end.wait(30)
        return []

    monkeypatch.setattr(spooling, "open_orphans", read)
    spool = Spool(tmp_path, max_bytes=2**20, share=0.5)
    spool.start()
    adopting = asyncio.create_task(spool.adopt())
    await asyncio.sleep(0)
    kept: asyncio.Future[Unavailable | None] = asyncio.get_running_loop().create_future()
    spool.put(KEY, b"k", b"v", [], kept.set_result)
    try:
        async with asyncio.timeout(10):
            assert await kept is None
        assert not adopting.done()
    finally:
        end.set()
    assert await adopting == 0
    await spool.close(5.0)


async def keep(spool: Spool, size: int) -> Unavailable | None:
    kept: asyncio.Future[Unavailable | None] = asyncio.get_running_loop().create_future()
    spool.put(KEY, b"k", b"v" * size, [], kept.set_result)
    async with asyncio.timeout(10):
        return await kept


@pytest.mark.asyncio
async def test_what_was_taken_over_counts_until_it_is_sent(tmp_path: Path) -> None:
    gone = Spool(tmp_path, max_bytes=2**20, share=0.5, number=1)
    gone.start()
    assert await keep(gone, 400_000) is None
    left = gone.quota.total
    await gone.close(5.0)
    spool = Spool(tmp_path, max_bytes=2**20, share=0.5, number=2, orphaned_after_s=0)
    spool.start()
    assert await spool.adopt() == 1
    assert spool.quota.total == left
    with pytest.raises(SpoolFull, match="its share"):
        await keep(spool, 200_000)
    ((held, backlog),) = [each for each in spool.backlogs() if each[1].outstanding]
    read = held.store.streams[KEY].read(2**20)
    backlog.delivered(read[0].sequence)
    last = backlog.pass_over(read)
    assert last is not None
    # It is looked after while the cursor is on its way, as it may be.
    await asyncio.gather(spool.advance(held, backlog, last.end), spool.look_after())
    assert not spool.adopted
    assert spool.quota.total == spool.quota.used("stripe") == 0
    assert await keep(spool, 200_000) is None
    await spool.close(5.0)


@pytest.mark.asyncio
async def test_what_is_there_at_the_start_is_read_without_holding_up_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()

    def read(root: Path, number: int | None, segment_bytes: int) -> Held:
        assert end.wait(30)
        return open_own(root, number, segment_bytes)

    monkeypatch.setattr(spooling, "open_own", read)
    settings = IngestSettings(ingest_spool_dir=tmp_path)
    publisher = Publisher(settings, [])
    starting = asyncio.create_task(publisher.start())
    await asyncio.sleep(0)
    assert publisher.keeping is None, "and this is said while it is read"
    end.set()
    async with asyncio.timeout(10):
        await starting
    assert publisher.keeping is not None
    await publisher.close()
