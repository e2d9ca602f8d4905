"""Rows in the declared order, however many they are: sorted in memory, or by way of local disk.

Files of derived tables are sorted each, but a reader for every file would hold pages of each of its
columns, which for a thousand files is more than any bound. So rows are read file after file, sorted
or not, as many at a time as may be held; each such *run* is sorted and put aside. Then the runs,
which are few, are merged: of the batches that are held of them, all rows up to the least of their
last ones are next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from shared.lake.maintenance.row_groups import Held
from shared.lake.maintenance.scratch import scratch_directory

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")

Key = tuple[tuple[int, Any], ...]
"""A row's values of the columns that it is sorted by; nulls are greatest, then no numbers."""


def in_order(
    parts: Iterable[pa.Table],
    by: Sequence[str],
    *,
    most_bytes: int,
    rows: int,
    held: Held,
) -> Iterator[pa.Table]:
    """All rows, ascending by these columns, nulls last.

    What does not fit goes to a directory for temporary files and is removed in all outcomes; what
    a killed process left there, by the next one.

    Args:
        parts: rows in any order, of one schema.
        by: columns.
        most_bytes: bytes of rows that are collected before they are sorted, which takes as much
            again.
        rows: about how many there are in all: how many runs there will be follows from it.
        held: is told what is held.

    Raises:
        OSError: there is no room on the disk.
    """
    with scratch_directory() as directory:
        runs: list[Path] = []
        collected: list[pa.Table] = []
        size = 0
        for part in parts:
            collected.append(part)
            size += part.nbytes
            held.add(part.nbytes)
            if size >= most_bytes:
                runs.append(directory / str(len(runs)))
                _put_aside(collected, by, runs[-1], rows, held)
                held.release(size)
                collected, size = [], 0
        if runs and collected:
            runs.append(directory / str(len(runs)))
            _put_aside(collected, by, runs[-1], rows, held)
        if runs:
            held.release(size)
            yield from _merged(runs, by, held)
        elif collected:
            whole = _sorted(collected, by)
            collected.clear()
            held.add(whole.nbytes - size)
            yield whole
            held.release(whole.nbytes)


def _sorted(parts: Sequence[pa.Table], by: Sequence[str]) -> pa.Table:
    return pa.concat_tables(parts).sort_by([(column, "ascending") for column in by])


def _put_aside(
    parts: Sequence[pa.Table], by: Sequence[str], path: Path, rows: int, held: Held
) -> None:
    """A run, in batches so small that one of each run is no more than one run."""
    ordered = _sorted(parts, by)
    held.add(ordered.nbytes)
    runs = -(-rows // max(len(ordered), 1)) + 1
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_stream(file, ordered.schema, options=_OPTIONS) as stream,
    ):
        stream.write_table(ordered, max_chunksize=max(1, len(ordered) // runs))
    held.release(ordered.nbytes)


def _merged(runs: Sequence[Path], by: Sequence[str], held: Held) -> Iterator[pa.Table]:
    readers = [_batches(path) for path in runs]
    heads: list[pa.Table | None] = [None] * len(readers)
    while True:
        for number, head in enumerate(heads):
            if head is None and (following := next(readers[number], None)) is not None:
                held.add(following.nbytes)
                heads[number] = following
        last = min((_key(head, len(head) - 1, by) for head in heads if head), default=None)
        if last is None:
            return
        ready, freed = [], 0
        for number, head in enumerate(heads):
            if head is not None and (count := _up_to(head, last, by)):
                ready.append(head.slice(0, count))
                rest = head.slice(count) if count < len(head) else None
                # Not what the slices say: both count the byte in which their validity bits meet.
                freed += head.nbytes - (rest.nbytes if rest is not None else 0)
                heads[number] = rest
        yield _sorted(ready, by)
        held.release(freed)


def _batches(path: Path) -> Iterator[pa.Table]:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            if len(batch):
                yield pa.Table.from_batches([batch])


def _up_to(rows: pa.Table, last: Key, by: Sequence[str]) -> int:
    """How many of the first rows come no later than ``last``."""
    first, end = 0, len(rows)
    while first < end:
        middle = (first + end) // 2
        if _key(rows, middle, by) <= last:
            first = middle + 1
        else:
            end = middle
    return first


def _key(rows: pa.Table, at: int, by: Sequence[str]) -> Key:
    return tuple(_place(rows[column][at]) for column in by)


def _place(scalar: pa.Scalar) -> tuple[int, Any]:
    """Where a value stands, as Arrow sorts."""
    if not scalar.is_valid:
        return 2, 0
    # A moment may be of a year that Python does not know.
    value = scalar.value if pa.types.is_temporal(scalar.type) else scalar.as_py()
    return (0, value) if value == value else (1, 0)  # NaN is not itself
