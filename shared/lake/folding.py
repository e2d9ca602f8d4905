"""Fold position deletes into the data, and level 0 into partitions, before readers pay for them.

A partition is folded after :attr:`FoldingPolicy.delete_commits` commits with deletes, or when one
of its files has lost :attr:`FoldingPolicy.deleted_share` of its rows. Its small files become one
without deletes, and so does each large file that has lost as much; what is left of the deletes, of
other large files, becomes one delete file.

Level 0 (:mod:`shared.lake.level_zero`) spills into the partitions when it has
:attr:`FoldingPolicy.spilled_files` files or :attr:`FoldingPolicy.spilled_rows` rows, or after as
many commits with deletes as a partition bears. A partition that it joins is folded with what comes
when it has :attr:`FoldingPolicy.joined_files` small files; its deletes become one file after
:attr:`FoldingPolicy.joined_deletes` commits. The rows stay the same: a ``replace`` snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.commit import Delta, Head, Outcome, Stale, Thinning, commit
from shared.lake.data_files import write_rows
from shared.lake.divided_deletes import divide
from shared.lake.folding_policy import (
    FoldingPolicy,
    due,
    files_by_partition,
    nothing_due,
    spilling,
)
from shared.lake.handle import TableHandle
from shared.lake.head_checks import Partition
from shared.lake.position_deletes import write_position_deletes
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.row_partitions import by_partition
from shared.lake.surviving_rows import surviving_rows
from shared.lake.table_state import MAIN, SnapshotEntry
from shared.tables.spec import TableSpec

__all__ = ["FoldingPolicy", "fold", "folding"]


def fold(
    handle: TableHandle,
    spec: TableSpec,
    *,
    commit_id: str,
    writer: str,
    ref: str = MAIN,
    policy: FoldingPolicy | None = None,
    thinning: Thinning | None = None,
) -> Outcome | None:
    """Fold a table where it is due.

    Returns:
        the commit; ``None`` when nothing is due, or when somebody else has committed rows of the
        same files meanwhile: the next call sees to it.

    Raises:
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    head = handle.state().head(ref)
    planned = None if head is None else folding(handle.table, spec, head, policy)
    if planned is None:
        return None

    def decide(_: Head, may_reuse_files: bool) -> Delta:
        if not may_reuse_files:
            raise Stale("the files may come to be named by an attempt of unknown outcome")
        return planned

    try:
        return commit(
            handle, decide, commit_id=commit_id, writer=writer, ref=ref, thinning=thinning
        )
    except Stale:
        return None


def folding(
    table: Table, spec: TableSpec, planned: SnapshotEntry, policy: FoldingPolicy | None = None
) -> Delta | None:
    """Write the files of what is due in a snapshot; ``None`` when nothing is.

    What spills and a partition are held in memory at once. Files of earlier partition specs are
    left alone, but for level 0; what its delete files say of files that stay there becomes one.

    Raises:
        Refused: the table has files that cannot be read here, or somebody has changed how it is
            partitioned.
        OSError: the object store does not answer.
    """
    policy = policy or FoldingPolicy()
    if nothing_due(table, planned, policy):
        return None
    live = live_files(table, planned)
    spilled = spilling(table, live, policy)
    coming = _spilled(table, spec, live, spilled)
    added: list[DataFile] = []
    divided = divide(table.io, live, spilled)
    dropped: set[str] = {*spilled, *divided.gone}
    merged: dict[str, Sequence[int] | pa.Array] = dict(divided.staying)
    data, beside = files_by_partition(live.data), files_by_partition(live.deletes)
    for partition in {**beside, **coming}:
        if partition[0] != table.metadata.default_spec_id:
            continue
        todo = due(
            table,
            live,
            data.get(partition, {}),
            beside.get(partition, {}),
            policy,
            joined=partition in coming,
        )
        if todo is None:
            continue
        if todo.rewritten:
            rows = [surviving_rows(table, spec, live, todo.rewritten)]
            rows += [coming.pop(partition)] if partition in coming else []
            whole = pa.concat_tables(rows)
            added += write_rows(table, spec, whole, target_bytes=policy.target_bytes)
        merged |= todo.merged
        dropped |= {*todo.rewritten, *todo.deletes}
    files = {path: live.data[path].file for path in merged}
    deletes = write_position_deletes(table, merged, files)
    if coming:
        rest = pa.concat_tables(coming.values())
        added += write_rows(table, spec, rest, target_bytes=policy.target_bytes)
    if not dropped:
        return None
    return Delta(
        added=added,
        deletes=deletes,
        dropped=dropped,
        named=set(merged),
        planned=planned,
        replace=True,
    )


def _spilled(
    table: Table, spec: TableSpec, live: LiveFiles, paths: list[str]
) -> dict[Partition, pa.Table]:
    """The rows of these files by the partition that they belong to."""
    if not paths:
        return {}
    rows = surviving_rows(table, spec, live, paths)
    default = table.metadata.default_spec_id
    return {(default, value): part for value, part in by_partition(spec, rows)}
