"""Which of some ids a table holds already: what is told more than once is landed once.

Asked on the very head that the commit asserts, so the answer holds when the commit succeeds: no
memory of a process is involved, and kills, restarts, rebalances and second workers change nothing.
Files that cannot hold any of the ids are left out by the bounds in their manifests; ids that grow
with time, as delivery ids do, leave nearly all of them out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import (
    And,
    BooleanExpression,
    GreaterThanOrEqual,
    IsNull,
    LessThanOrEqual,
    Or,
    Reference,
)
from pyiceberg.expressions.literals import literal
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile, DataFileContent
from pyiceberg.table import FileScanTask, Table
from pyiceberg.types import StringType

from shared.lake.reading.live_files import entries, listed_by
from shared.lake.table_state import SnapshotEntry

Id = tuple[str | None, ...]
"""Values of the identifying columns."""


def landed_ids(
    table: Table, snapshot: SnapshotEntry | None, columns: Sequence[str], ids: Collection[Id]
) -> set[Id]:
    """Those of ``ids`` that a row of the snapshot has, or had before another engine deleted it.

    In memory are the ids asked for, and those between them of one file.

    Args:
        table: where the rows are; its snapshots may be older ones.
        snapshot: that is asked, ``None`` for a table without one.
        columns: names of text columns that together identify a row.
        ids: a value for each of them; null equals null.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    if snapshot is None or not ids:
        return set()
    wanted = set(ids)
    spans = [_Span(table, name, [each[n] for each in wanted]) for n, name in enumerate(columns)]
    found: set[Id] = set()
    files = [file for file in _data_files(table, snapshot) if all(s.may_be_in(file) for s in spans)]
    for batch in _batches(table, columns, spans, files):
        rows = zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
        found.update(wanted.intersection(rows))
        if len(found) == len(wanted):
            break
    return found


class _Span:
    """The values of one column that are looked for."""

    def __init__(self, table: Table, column: str, values: Collection[str | None]) -> None:
        self._column = column
        self._field_id = table.schema().find_field(column).field_id
        self._values = sorted({value for value in values if value is not None})
        self._null = None in values

    def may_be_in(self, file: DataFile) -> bool:
        """Whether the bounds of a file leave room for one of the values."""
        counts, nulls = file.value_counts or {}, file.null_value_counts or {}
        if self._null and nulls.get(self._field_id, 1):
            return True
        if not self._values or counts.get(self._field_id, -1) == nulls.get(self._field_id, -2):
            return False
        lower = (file.lower_bounds or {}).get(self._field_id)
        upper = (file.upper_bounds or {}).get(self._field_id)
        first = 0 if lower is None else bisect_left(self._values, from_bytes(StringType(), lower))
        if first == len(self._values):
            return False
        return upper is None or self._values[first] <= from_bytes(StringType(), upper)

    @property
    def condition(self) -> BooleanExpression:
        """What rows with such a value have in common; row groups are left out by it."""
        column = Reference(self._column)
        if not self._values:
            return IsNull(term=column)
        within = And(
            GreaterThanOrEqual(term=column, value=literal(self._values[0])),
            LessThanOrEqual(term=column, value=literal(self._values[-1])),
        )
        return Or(within, IsNull(term=column)) if self._null else within


def _data_files(table: Table, snapshot: SnapshotEntry) -> Iterator[DataFile]:
    for manifest in listed_by(table.io, snapshot):
        for live in entries(table.io, manifest):
            if live.file.content == DataFileContent.DATA:
                yield live.file


def _batches(
    table: Table, columns: Sequence[str], spans: Sequence[_Span], files: Sequence[DataFile]
) -> Iterator[pa.RecordBatch]:
    if not files:
        return
    condition: BooleanExpression = spans[0].condition
    for span in spans[1:]:
        condition = And(condition, span.condition)
    scan = ArrowScan(table.metadata, table.io, table.schema().select(*columns), condition)
    for file in files:
        yield from scan.to_record_batches([FileScanTask(file)])
