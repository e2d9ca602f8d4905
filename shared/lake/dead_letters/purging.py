"""Remove rows of a landing table for good, as an operator says: chosen by where they stand.

The files that hold them are written anew without them, so the bytes leave the table with this very
snapshot; they are gone from the store once the snapshots before it have expired. What the ledger
says stays true: the rows become stated gaps.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table

from shared.lake.commit import Delta, Head, Outcome, Stale, commit
from shared.lake.dead_letters.letters import RowKey
from shared.lake.handle import TableHandle
from shared.lake.positions import PartitionKey, Positions
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.row_changes import COPY_ON_WRITE, delta
from shared.lake.schema import arrow_schema
from shared.lake.surviving_rows import deleted_positions
from shared.runtime.errors import Refused, Unavailable
from shared.tables.spec import TableSpec

KEY_PURGED = "bergline.purged"
TARGET_BYTES = 128 * 2**20
ATTEMPTS = 10

_KEY = ("_topic", "_partition", "_offset", "_loaded_at")

Gone = Mapping[PartitionKey, Sequence[tuple[int, bool]]]
"""Offsets of rows that go, and whether each row has an error."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did: rows that are gone, and the commit, ``None`` where there was nothing."""

    rows: int
    outcome: Outcome | None


def purge(
    handle: TableHandle,
    spec: TableSpec,
    wanted: Mapping[RowKey, bool],
    *,
    purge_id: str,
    reason: str,
    actor: str,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Purged:
    """Remove the ``wanted`` rows in one snapshot; those that are gone count as done.

    Args:
        handle: of the table.
        spec: its declaration.
        wanted: the rows, and whether each has an error.
        purge_id: identity of the commit: called again with it, a purge that succeeded is found.
        reason, actor: kept in the snapshot.
        clock, sleep: time, in seconds.

    Raises:
        Refused: the table does not say where it stands, or has files that cannot be read here.
        Unavailable: others change the same rows again and again, or as
            :func:`shared.lake.commit.commit`.
        OSError: the object store does not answer.
    """
    for _ in range(ATTEMPTS):
        state = handle.reload()
        planned = state.current_snapshot()
        if planned is None:
            return Purged(0, None)
        table = handle.load()
        live = live_files(table, planned)
        positions, gone = _positions(table, live, wanted)
        if not gone:
            return Purged(0, None)
        change = delta(
            table,
            spec,
            live,
            positions,
            arrow_schema(spec).empty_table(),
            COPY_ON_WRITE,
            planned=planned,
            carried=None,
            target_bytes=TARGET_BYTES,
            summary={KEY_PURGED: f"{sum(map(len, gone.values()))} rows: {actor}: {reason}"},
        )

        def decide(head: Head, _: bool, change: Delta = change, gone: Gone = gone) -> Delta:
            found = head.recorded.positions
            if found is None:
                raise Refused(
                    f"table {handle.name} does not say where it stands; nothing was removed",
                    f"`bergline offsets show {handle.name}` says what settles it",
                )
            return replace(change, carried=_without(found, gone))

        try:
            outcome = commit(
                handle, decide, commit_id=purge_id, writer="cli", clock=clock, sleep=sleep
            )
        except Stale:
            continue  # a compaction came first: look where the rows are now
        return Purged(sum(map(len, gone.values())), outcome)
    raise Unavailable(
        f"{handle.name} was changed by others at each of {ATTEMPTS} attempts; nothing was removed",
        "try again",
    )


def _without(positions: Positions, gone: Gone) -> Positions:
    for key, rows in gone.items():
        positions = positions.removed(*key, rows)
    return positions


def _positions(
    table: Table, live: LiveFiles, wanted: Mapping[RowKey, bool]
) -> tuple[dict[str, list[int]], dict[PartitionKey, list[tuple[int, bool]]]]:
    """The ``wanted`` rows of live files: by file their numbers, by partition their offsets."""
    deleted = deleted_positions(table.io, live, list(live.data))
    schema = table.schema().select(*_KEY)
    offset_id = table.schema().find_field("_offset").field_id
    offsets = sorted(offset for _, _, offset, _ in wanted)
    positions: dict[str, list[int]] = {}
    gone: dict[PartitionKey, list[tuple[int, bool]]] = {}
    for path, each in live.data.items():
        if not _may_hold(each.file, offset_id, offsets):
            continue
        scan = ArrowScan(table.metadata, table.io, schema, AlwaysTrue())
        rows = scan.to_table([FileScanTask(each.file)])
        hidden = {n for array in deleted.get(path, ()) for n in pa.array(array).to_pylist()}
        columns = (rows[name].to_pylist() for name in _KEY)
        for number, key in enumerate(zip(*columns, strict=True)):
            if number in hidden or key not in wanted:
                continue
            positions.setdefault(path, []).append(number)
            topic, partition, offset, _ = key
            gone.setdefault((topic, partition), []).append((offset, wanted[key]))
    return positions, gone


def _may_hold(file: DataFile, offset_id: int, offsets: list[int]) -> bool:
    """Whether the bounds of a file leave room for one of the offsets."""
    lower = (file.lower_bounds or {}).get(offset_id)
    upper = (file.upper_bounds or {}).get(offset_id)
    if not offsets or lower is None or upper is None:
        return bool(offsets)
    first, last = (int.from_bytes(bound, "little", signed=True) for bound in (lower, upper))
    at = bisect_left(offsets, first)
    return at < len(offsets) and offsets[at] <= last
