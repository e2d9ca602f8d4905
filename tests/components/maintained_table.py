"""A table on a real catalog and store that wants maintenance, and the jobs that it wants."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pyarrow as pa

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake.bootstrap import create_tables
from shared.lake.catalog import open_catalog
from shared.lake.commit import Delta, Head, commit
from shared.lake.data_files import write_rows
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import CompactionReport, compact
from shared.lake.maintenance.deletion import FileDeletion, deletion_of
from shared.lake.maintenance.expiry import ExpiryReport, expire
from shared.lake.maintenance.orphans import OrphanReport, remove_orphans
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.position_deletes import write_position_deletes
from shared.lake.reading.live_files import live_files
from shared.lake.schema import arrow_schema
from shared.runtime.settings import Settings
from tests.support.derived_lake import MONTHS, derived_table, origin

SPEC = derived_table()
POLICY = MaintenancePolicy(
    target_bytes=8 * 1024, memory_bytes=64 * 1024, hot_s=0, retention_days=7, retain_last=1
)
"""Files are full early, and so is memory: rows are sorted by way of disk."""

DAY_MS = 86_400_000
COMMITS, ROWS = 6, 900


def new_table(settings: Settings) -> TableHandle:
    """A table of an environment of its own: commits of a small file a month, and deleted rows."""
    environment = Environment(f"t{uuid7()[-8:]}")
    create_tables(open_catalog(settings), environment, [SPEC])
    handle = TableHandle(open_catalog(settings), environment, SPEC.name)
    for number in range(COMMITS):
        add(handle, range(number * ROWS, (number + 1) * ROWS), number)
    delete_some(handle, COMMITS)
    return handle


def add(handle: TableHandle, ids: Sequence[int], number: int) -> None:
    """Rows with values that do not compress, in a file for each month."""
    chance = random.Random(number)
    rows = pa.table(
        {
            "id": ids,
            "version": [chance.randrange(1 << 60) for _ in ids],
            "amount": [Decimal(chance.randrange(10**9)) / 100 for _ in ids],
            "day": [_day(key) for key in ids],
        },
        schema=arrow_schema(SPEC),
    )
    files = write_rows(handle.table, SPEC, rows, target_bytes=1 << 27)

    def decide(head: Head, _: bool) -> Delta:
        return Delta(added=files, planned=head.snapshot, carried=origin(number))

    commit(handle, decide, commit_id=uuid7(), writer="test")


def _day(key: int) -> date:
    return MONTHS[key % len(MONTHS)]


def delete_some(handle: TableHandle, number: int) -> None:
    """Every data file loses its first and its third row."""
    head = handle.reload().current_snapshot()
    assert head is not None
    live = live_files(handle.table, head).data
    positions = dict.fromkeys(live, (0, 2))
    deletes = write_position_deletes(
        handle.table, positions, {path: each.file for path, each in live.items()}
    )

    def decide(_: Head, __: bool) -> Delta:
        return Delta(deletes=deletes, named=set(live), planned=head, carried=origin(number))

    commit(handle, decide, commit_id=uuid7(), writer="test")


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)


def compacted(handle: TableHandle) -> CompactionReport:
    """Compact whatever is due."""
    return compact(handle, SPEC, POLICY, writer="test", now_ms=now_ms(), force=True)


def expired(handle: TableHandle, files: FileDeletion | None = None) -> ExpiryReport:
    """Expire as if it were in eight days."""
    return expire(
        handle,
        SPEC,
        POLICY,
        writer="test",
        now_ms=now_ms() + 8 * DAY_MS,
        files=files or deletion_of(handle.table.io),
    )


def swept(handle: TableHandle, files: FileDeletion | None = None) -> OrphanReport:
    """Remove orphans as if everything were old."""
    moment = now_ms()
    return remove_orphans(
        handle,
        SPEC,
        older_than_ms=moment + DAY_MS,
        now_ms=moment,
        files=files,
        allow_young=True,
    )
