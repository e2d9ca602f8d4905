"""Metrics of the spool: depth and age now, counts since the start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.ingest.spool.claim import claim_own
from services.ingest.spool.episode import Episodes
from services.ingest.spool.frames import Entry, encode_entry, encode_frame
from services.ingest.spool.measures import SpoolMeasures
from services.ingest.spool.replayer import Replayer
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import Group, Store, StreamKey
from services.ingest.spool.stream import Read
from shared.runtime.metrics import Instruments

KEY = StreamKey("stripe", "stripe.charges")
RECORDS = 'lakehouse_spool_records{source="stripe"}'
AGE = "lakehouse_spool_oldest_age_seconds"


class Away:
    """A broker that is away until it is told otherwise."""

    def __init__(self) -> None:
        self.back = asyncio.Event()

    async def open(self, topic: str) -> None:
        await self.back.wait()

    async def send(
        self, topic: str, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        for read in reads:
            acknowledged(read)
        return None


def left_behind(root: Path, entries: int, accepted_s: float) -> None:
    """The directory of an instance that is gone."""
    store = Store(claim_own(root, 7), 10_000)
    payload = encode_entry(Entry(b"k", b"v", [], int(accepted_s * 1000)))
    group = Group([encode_frame(number, payload) for number in range(entries)], entries)
    assert store.append({KEY: group}) == {}
    store.close()


@pytest.mark.asyncio
async def test_what_was_taken_over_is_told_until_the_broker_has_it(tmp_path: Path) -> None:
    left_behind(tmp_path, 3, time.time() - 100)
    spool = Spool(tmp_path, max_bytes=2**20, share=0.5, number=0, orphaned_after_s=0)
    broker = Away()
    replayer = Replayer(spool, broker, Episodes("here", lambda _event: None))
    instruments = Instruments("ingest")
    SpoolMeasures(instruments, spool, replayer)

    def told(name: str) -> float:
        for line in instruments.exposition().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        return 0.0

    spool.start()
    replayer.start()
    async with asyncio.timeout(20):
        while not told(RECORDS):  # noqa: ASYNC110 - it is found within a look
            await asyncio.sleep(0.01)
        assert told(RECORDS) == 3
        assert told(AGE) >= 100
        broker.back.set()
        while spool.adopted:
            await asyncio.sleep(0.01)
            await spool.look_after()
    assert told(RECORDS) == 0, "also when the directory is another's again"
    assert told(AGE) == 0
    assert told('lakehouse_spool_replayed_total{topic="stripe.charges"}') == 3
    await replayer.stop()
    await spool.close(5.0)
