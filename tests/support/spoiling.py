"""Rows of a derived table made wrong by a commit that says nothing of it, as its owner makes them.

Nobody finds out by what is recorded: it is what a faulty function, or a faulty builder, leaves.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, commit
from shared.lake.handle import TableHandle
from shared.lake.provenance import traced
from shared.lake.reading.live_files import live_files
from shared.lake.reading.scan import scan
from shared.lake.row_changes import delta
from shared.tables.spec import TableSpec

TARGET_BYTES = 2**20


def spoil(
    handle: TableHandle, spec: TableSpec, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Write what ``change`` makes of all rows in their place."""
    head = handle.reload().current_snapshot()
    assert head is not None
    rows = scan(handle.table, head, [column.name for column in spec.columns], located=True)
    places = rows.group_by("_file").agg("_pos")

    def decide(*_: object) -> Delta:
        return delta(
            handle.table,
            spec,
            live_files(handle.table, head),
            dict(zip(places["_file"], places["_pos"], strict=True)),
            change(rows.drop("_file", "_pos")).to_arrow(),
            planned=head,
            carried=traced(handle.state()).provenance,
            target_bytes=TARGET_BYTES,
        )

    commit(handle, decide, commit_id=uuid7(), writer="transformer")
