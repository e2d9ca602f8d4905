"""Which rows belong to which partition, as a table is declared to be partitioned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from shared.lake.schema import partition_spec
from shared.runtime.errors import Refused
from shared.tables.spec import Grain, TableSpec

_EPOCH = date(1970, 1, 1)


def require_declared(table: Table, spec: TableSpec) -> None:
    """Let pass a table whose default partition spec is the declared one.

    Raises:
        Refused: somebody has changed it.
    """
    declared, actual = partition_spec(spec), table.spec()
    if [(f.source_id, f.transform) for f in actual.fields] != [
        (f.source_id, f.transform) for f in declared.fields
    ]:
        raise Refused(
            f"{'.'.join(table.name())} is partitioned by {actual}, not as it was declared",
            "make its declared partition spec the default one again: files are written by it",
        )


def by_partition(spec: TableSpec, rows: pa.Table) -> Iterator[tuple[Record, pa.Table]]:
    """Each partition's value, as manifests hold it, and its rows (Iceberg spec, "Manifests").

    In the order of the values; rows without one come last.
    """
    if not len(rows):
        return
    if spec.partition_by is None:
        yield Record(), rows
        return
    values = _partition_values(rows[spec.partition_by.column], spec.partition_by.grain)
    counts = {each["values"]: each["counts"] for each in pc.value_counts(values).to_pylist()}
    together = rows if len(counts) == 1 else rows.take(pc.sort_indices(values))
    start = 0
    for value in sorted(counts, key=lambda each: (each is None, each)):
        yield Record(_stored(value)), together.slice(start, counts[value])
        start += counts[value]


def _partition_values(column: pa.ChunkedArray, grain: Grain) -> pa.ChunkedArray:
    if grain is Grain.IDENTITY:
        return column
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))  # the wall clock of UTC
    if grain is Grain.DAY:
        return pc.floor_temporal(column, unit="day").cast(pa.date32()).cast(pa.int32())
    years = pc.subtract(pc.year(column), _EPOCH.year)
    return pc.add(pc.multiply(years, 12), pc.subtract(pc.month(column), 1)).cast(pa.int32())


def _stored(value: Any) -> Any:
    return (value - _EPOCH).days if isinstance(value, date) else value
