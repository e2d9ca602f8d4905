"""The spool's edge: taking over what others have left holds up nobody who delivers."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from services.ingest.spool import spool as spooling
from services.ingest.spool.held import Held
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import StreamKey
from shared.runtime.errors import Unavailable


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
    spool.put(StreamKey("stripe", "stripe.charges"), b"k", b"v", [], kept.set_result)
    try:
        async with asyncio.timeout(10):
            assert await kept is None
        assert not adopting.done()
    finally:
        end.set()
    assert await adopting == 0
    await spool.close(5.0)
