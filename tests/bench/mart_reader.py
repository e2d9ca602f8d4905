"""A reader in a process of its own that reads the sales mart again whenever it has changed.

It learns of that from the topic of commits, as a user would.
What of the landed records a mart contains stands in its own snapshot: up to which offset it is
complete. So a record is in somebody's hands when a mart has been read whose snapshot says so.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS
from shared.lake.catalog import load, open_catalog
from shared.lake.positions import PartitionKey
from shared.lake.provenance import Complete, Provenance
from shared.runtime.errors import CheckFailed
from shared.runtime.event_log import ends, follow_events
from shared.runtime.settings import Settings

MART = "marts.sales_dashboard_daily"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MartReading:
    """The mart, read whole once.

    Attributes:
        complete: up to where it holds its topics' records.
        read_at: when all its rows were there, in seconds since the epoch.
        rows: how many.
    """

    complete: Complete
    read_at: float
    rows: int


class MartReader:
    """The reader's handle in the process that started it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def readings(self, wanted: Mapping[PartitionKey, int], seconds: float) -> list[MartReading]:
        """All readings since the start, as soon as one is complete up to the offsets wanted.

        Raises:
            CheckFailed: none is after so many seconds.
        """
        self._pipe.send((dict(wanted), time.monotonic() + seconds))
        found: list[MartReading] = self._pipe.recv()
        if not found or not covers(found[-1].complete, wanted):
            last = dict(found[-1].complete) if found else "nothing"
            raise CheckFailed(
                f"{MART} is complete to {last}, not to {dict(wanted)}, after {seconds:g} s"
            )
        return found


def covers(complete: Complete, wanted: Mapping[PartitionKey, int]) -> bool:
    """Whether everything before the offsets wanted is there."""
    return all(complete.get(partition, 0) >= offset for partition, offset in wanted.items())


def first_containing(
    readings: Sequence[MartReading], partition: PartitionKey, offset: int
) -> MartReading:
    """The earliest reading that contains a record.

    Raises:
        CheckFailed: none does.
    """
    for reading in readings:
        if reading.complete.get(partition, 0) > offset:
            return reading
    raise CheckFailed(f"no reading of {MART} contains {partition[0]}/{partition[1]}@{offset}")


@contextmanager
def mart_reader(settings: Settings) -> Iterator[MartReader]:
    """A reader of the mart, as soon as it has looked once."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_poll, args=(settings, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            raise CheckFailed(f"the mart's reader did not start within {START_SECONDS:g} s")
        ours.recv()
        yield MartReader(ours)
    finally:
        process.kill()
        process.join()
        ours.close()


def _poll(settings: Settings, pipe: Connection) -> None:
    asyncio.run(_follow(settings, pipe))


async def _follow(settings: Settings, pipe: Connection) -> None:
    """Read the mart whenever it is told to have changed, until the readings asked for are there."""
    changed = asyncio.Event()
    starts = await ends(settings, COMMITS)
    listening = asyncio.create_task(_listen(settings, starts, changed))
    asked = asyncio.create_task(asyncio.to_thread(pipe.recv))
    catalog = open_catalog(settings)
    found = await asyncio.to_thread(_look, catalog, settings)
    pipe.send("ready")
    deadline = float("inf")
    while time.monotonic() < deadline:
        waiting = asyncio.create_task(changed.wait())
        until = {waiting} if asked.done() else {waiting, asked}
        timeout = max(0.0, deadline - time.monotonic()) if asked.done() else None
        await asyncio.wait(
            {*until, listening}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        if listening.done():
            listening.result()
        if changed.is_set():
            changed.clear()
            found += await asyncio.to_thread(_look, catalog, settings)
        if asked.done():
            wanted, deadline = asked.result()
            if found and covers(found[-1].complete, wanted):
                break
    listening.cancel()
    pipe.send(found)


async def _listen(
    settings: Settings, starts: Mapping[PartitionKey, int], changed: asyncio.Event
) -> None:
    async for event in follow_events(settings, starts):
        if isinstance(event, TableCommitted) and event.table == MART:
            changed.set()


def _look(catalog: Catalog, settings: Settings) -> list[MartReading]:
    table = load(catalog, settings.environment, MART)
    snapshot = table.current_snapshot()
    return [] if snapshot is None else _read(table, snapshot.snapshot_id)


def _read(table: Table, snapshot_id: int) -> list[MartReading]:
    """All rows at the snapshot; nothing where it is of a maintainer and says nothing."""
    snapshot = table.snapshot_by_id(snapshot_id)
    assert snapshot is not None
    summary = {} if snapshot.summary is None else snapshot.summary.additional_properties
    provenance = Provenance.from_summary(summary)
    if provenance is None:
        return []
    rows = table.scan(snapshot_id=snapshot_id).to_arrow().num_rows
    return [MartReading(dict(provenance.complete), time.time(), rows)]
