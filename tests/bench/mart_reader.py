"""A reader in a process of its own that reads the sales mart again whenever it has changed.

What of the landed records a mart contains stands in its own snapshot: up to which offset it is
complete. So a record is in somebody's hands when a mart has been read whose snapshot says so.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from pyiceberg.table import Table

from shared.lake.catalog import load, open_catalog
from shared.lake.positions import PartitionKey
from shared.lake.provenance import Complete, Provenance
from shared.runtime.errors import CheckFailed
from shared.runtime.settings import Settings

MART = "marts.sales_dashboard_daily"
PAUSE_SECONDS = 0.05
"""Between two looks at the mart."""

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
    catalog = open_catalog(settings)
    head: int | None = None
    found: list[MartReading] = []
    wanted: Mapping[PartitionKey, int] | None = None
    deadline = float("inf")
    looked = False
    while time.monotonic() < deadline:
        table = load(catalog, settings.environment, MART)
        snapshot = table.current_snapshot()
        if snapshot is not None and snapshot.snapshot_id != head:
            found += _read(table, snapshot.snapshot_id)
            head = snapshot.snapshot_id
        if not looked:
            pipe.send("ready")
            looked = True
        if wanted is not None and found and covers(found[-1].complete, wanted):
            break
        if pipe.poll(PAUSE_SECONDS) and wanted is None:
            wanted, deadline = pipe.recv()
    pipe.send(found)


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
