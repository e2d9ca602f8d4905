"""Which files can hold a row that is wanted, as their manifests describe them.

Partition values and lower and upper bounds are compared as Iceberg stores them: moments as
microseconds, dates as days. A bound may be wider than the values (text is cut), never narrower.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import polars as pl
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import Table
from pyiceberg.transforms import VoidTransform
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestampType,
    TimestamptzType,
)

from shared.lake.reading.columns import Columns
from shared.lake.reading.keys import Keys
from shared.lake.reading.live_files import LiveFile

MOST_TRANSFORMED = 10_000
"""Of more values of a column only their range is compared with partitions."""

_ORDERED = (
    IntegerType, LongType, DateType, TimestampType, TimestamptzType, DecimalType, StringType,
    BinaryType,
)  # fmt: skip
"""Types whose stored order is Python's; floats have NaN and two zeros."""


def pruned(columns: Columns, files: Iterable[LiveFile], keys: Keys) -> list[LiveFile]:
    """The files that may hold a row of these keys, within their bounds."""
    tests = _tests(columns, keys)
    return [live for live in files if all(test.may_hold(live.file) for test in tests)]


def _tests(columns: Columns, keys: Keys) -> list[_Test]:
    table = columns.table
    present = {field.name: field for field in table.schema().fields}
    tests: list[_Test] = []
    for name, values in keys.plain(columns).items():
        if isinstance(present[name].field_type, _ORDERED):
            tests.append(_OneOf(table, present[name], values))
    for name, (lower, upper) in keys.bounds.items():
        if isinstance(present[name].field_type, _ORDERED):
            dtype = Columns.of(table, [name]).types[name]
            ends = _stored(pl.Series([lower, upper], dtype=dtype))
            tests.append(_Between(table, present[name], ends[0], ends[1]))
    return tests


class _Test:
    """Whether a file may hold a value of one column."""

    def __init__(self, table: Table, field: NestedField) -> None:
        self._id = field.field_id
        if not isinstance(field.field_type, PrimitiveType):
            raise TypeError(f"column {field.name} is nested")
        self._type = field.field_type
        self._parts = {
            spec_id: [
                (index, part)
                for index, part in enumerate(spec.fields)
                if part.source_id == field.field_id
                and not isinstance(part.transform, VoidTransform)
            ]
            for spec_id, spec in table.specs().items()
        }

    def may_hold(self, file: DataFile) -> bool:
        return self._partition_may(file) and self._bounds_may(file)

    def _partition_may(self, file: DataFile) -> bool:
        return all(
            self._part_may(part, file.partition[index])
            for index, part in self._parts.get(file.spec_id, ())
        )

    def _part_may(self, part: PartitionField, value: Any) -> bool:
        raise NotImplementedError

    def _bounds_may(self, file: DataFile) -> bool:
        raise NotImplementedError

    def _ends(self, file: DataFile) -> tuple[Any, Any]:
        """Bounds of a file, ``None`` for one that is not known."""
        lower = (file.lower_bounds or {}).get(self._id)
        upper = (file.upper_bounds or {}).get(self._id)
        return (
            None if lower is None else from_bytes(self._type, lower),
            None if upper is None else from_bytes(self._type, upper),
        )

    def _nothing_but_nulls(self, file: DataFile) -> bool:
        values = (file.value_counts or {}).get(self._id)
        nulls = (file.null_value_counts or {}).get(self._id)
        return values is not None and values == nulls


class _OneOf(_Test):
    """One of these values, null among them if they hold one."""

    def __init__(self, table: Table, field: NestedField, values: pl.Series) -> None:
        super().__init__(table, field)
        self._null = values.null_count() > 0
        self._values = _stored(values.drop_nulls().unique().sort())
        self._partitions: dict[tuple[int, str], set[Any]] = {}

    def _part_may(self, part: PartitionField, value: Any) -> bool:
        if value is None:
            return self._null
        if len(self._values) > MOST_TRANSFORMED:
            return True
        key = (part.field_id, str(part.transform))
        wanted = self._partitions.get(key)
        if wanted is None:
            transform = part.transform.transform(self._type)
            wanted = {transform(each) for each in self._values}
            self._partitions[key] = wanted
        return value in wanted

    def _bounds_may(self, file: DataFile) -> bool:
        nulls = (file.null_value_counts or {}).get(self._id)
        if self._null and nulls != 0:
            return True
        if self._nothing_but_nulls(file):
            return False
        lower, upper = self._ends(file)
        at = 0 if lower is None else bisect_left(self._values, lower)
        return at < len(self._values) and (upper is None or self._values[at] <= upper)


class _Between(_Test):
    """From one value to another; an end that is ``None`` is open."""

    def __init__(self, table: Table, field: NestedField, lower: Any, upper: Any) -> None:
        super().__init__(table, field)
        self._lower, self._upper = lower, upper

    def _part_may(self, part: PartitionField, value: Any) -> bool:
        if value is None:
            return False
        if not part.transform.preserves_order:
            return True
        transform = part.transform.transform(self._type)
        return (self._lower is None or transform(self._lower) <= value) and (
            self._upper is None or value <= transform(self._upper)
        )

    def _bounds_may(self, file: DataFile) -> bool:
        if self._nothing_but_nulls(file):
            return False
        lower, upper = self._ends(file)
        return not (
            (lower is not None and self._upper is not None and lower > self._upper)
            or (upper is not None and self._lower is not None and upper < self._lower)
        )


def _stored(values: pl.Series) -> list[Any]:
    """Values as Iceberg stores and compares them."""
    if values.dtype.is_temporal():
        values = values.to_physical()
    return values.to_list()
