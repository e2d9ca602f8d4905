"""Ids of rows that a table holds and a file may bring again: looked for by event time.

The same id means the same event time, so a data file or row group is read only where one of the
hours in which the file has events lies within its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.table import Table

from shared.lake.reading.live_files import LiveFile, LiveFiles
from shared.lake.surviving_rows import deleted_positions
from shared.tables.spec import TableSpec

HOUR = 3_600_000_000
"""Microseconds."""
MOST_HOURS = 50_000
"""Hours that are told apart; of a file with more the earliest and latest count."""
_IDS_AT_A_TIME = 16_384
_DIGITS = 64


class Reach:
    """The hours of a file's events."""

    def __init__(self) -> None:
        self._hours: set[int] = set()
        self._low: int | None = None
        self._high: int | None = None
        self._exact = True
        self.untimed = False
        """Whether there are rows without a time."""

    def add(self, moments: pa.Array) -> None:
        """Moments of further rows, in microseconds; null for rows without."""
        self.untimed = self.untimed or moments.null_count > 0
        bounds = pc.min_max(moments).as_py()
        if bounds["min"] is None:
            return
        self._low = bounds["min"] if self._low is None else min(self._low, bounds["min"])
        self._high = bounds["max"] if self._high is None else max(self._high, bounds["max"])
        if self._exact:
            hours = pc.unique(pc.divide(moments.drop_null(), HOUR)).to_pylist()
            self._hours.update(hours)
            self._exact = len(self._hours) <= MOST_HOURS
        if not self._exact:
            self._hours.clear()

    def meets(self, low: int | None, high: int | None, nulls: int | None) -> bool:
        """Whether rows within these bounds may be the file's; ``None`` where it is not known."""
        if self.untimed and nulls != 0:
            return True
        if self._low is None or self._high is None:
            return False
        if low is None or high is None:
            return True
        if high < self._low or low > self._high:
            return False
        if not self._exact:
            return True
        # Arrow divides towards zero, so hours before 1970 are rounded up: one more on that side.
        first, last = low // HOUR, high // HOUR + 1
        if last - first > len(self._hours):
            return any(first <= hour <= last for hour in self._hours)
        return any(hour in self._hours for hour in range(first, last + 1))


def present_ids(
    table: Table,
    spec: TableSpec,
    live: LiveFiles,
    paths: Collection[str],
    reach: Reach,
    proceed: Callable[[], None],
) -> Iterator[list[bytes]]:
    """Ids in these data files of rows that are not deleted, some at a time.

    Args:
        table: where the files are.
        spec: its declaration.
        live: the files of the snapshot.
        paths: the data files wanted.
        reach: which of their rows matter.
        proceed: called now and then; what it raises ends the reading.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    loading = spec.loading
    if loading is None:
        return
    field = table.schema().find_field(loading.event_time).field_id
    near = [path for path in paths if reach.meets(*_bounds(live.data[path], field))]
    if not near:
        return
    deleted = deleted_positions(table.io, live, near)
    for path in near:
        gone = deleted.get(path)
        without = None if gone is None else pa.chunked_array(gone, pa.int64()).combine_chunks()
        with table.io.new_input(path).open() as source:
            yield from _ids(source, loading.event_time, reach, without, proceed)


def _ids(
    source: object, time: str, reach: Reach, without: pa.Array | None, proceed: Callable[[], None]
) -> Iterator[list[bytes]]:
    file = pq.ParquetFile(source, buffer_size=2**20, pre_buffer=False)
    names = file.schema_arrow.names
    if "_raw_id" not in names:
        return
    at = 0
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        if not reach.meets(*_group_bounds(metadata, names, time)):
            at += metadata.num_rows
            continue
        batches = file.iter_batches(
            batch_size=_IDS_AT_A_TIME, row_groups=[group], columns=["_raw_id"], use_threads=False
        )
        for batch in batches:
            proceed()
            ids = batch.column(0)
            if without is not None:
                numbers = pa.arange(at, at + len(ids))
                ids = ids.filter(pc.invert(pc.is_in(numbers, without)))
            at += batch.num_rows
            yield _digests(ids.drop_null().to_pylist())


def _digests(texts: list[str]) -> list[bytes]:
    try:
        joined = bytes.fromhex("".join(texts))
    except ValueError:
        joined = b""
    if len(joined) * 2 == len(texts) * _DIGITS and all(len(text) == _DIGITS for text in texts):
        return [joined[at : at + 32] for at in range(0, len(joined), 32)]
    return [one for text in texts if (one := _digest(text)) is not None]


def _digest(text: str) -> bytes | None:
    """``None`` for what somebody else has written there."""
    try:
        return bytes.fromhex(text) if len(text) == _DIGITS else None
    except ValueError:
        return None


def _bounds(live: LiveFile, field: int) -> tuple[int | None, int | None, int | None]:
    file = live.file
    low = (file.lower_bounds or {}).get(field)
    high = (file.upper_bounds or {}).get(field)
    nulls = (file.null_value_counts or {}).get(field)
    values = (file.value_counts or {}).get(field)
    if nulls is not None and nulls == values:
        return 0, -1, nulls  # no value at all: no bounds that anything lies within
    return _long(low), _long(high), nulls


def _long(bound: bytes | None) -> int | None:
    return None if bound is None else int.from_bytes(bound, "little", signed=True)


def _group_bounds(
    metadata: pq.RowGroupMetaData, names: list[str], time: str
) -> tuple[int | None, int | None, int | None]:
    if time not in names or metadata.num_columns != len(names):
        return None, None, None
    column = metadata.column(names.index(time))
    told = column.statistics
    if told is None:
        return None, None, None
    nulls = told.null_count if told.has_null_count else None
    if not told.has_min_max:
        return (0, -1, nulls) if nulls == column.num_values else (None, None, nulls)
    return told.min, told.max, nulls
