"""Computed rows of a table, gathered by the table's partitions until all are known.

Buckets hold rows of all partitions, and files are to be few and large: so rows wait for the others
of their partition. One that is too large to be held is handed out in portions that follow one
another in the order in which the table's files are sorted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import polars as pl
import pyarrow as pa

from services.transformer.framework.frames import computed, schema, stamp, union
from services.transformer.framework.room import Room, Shelves
from services.transformer.framework.transform import derivation
from shared.tables.spec import Grain, TableSpec

Partition = object
"""What the rows of a partition have in common: a day, a month's number, a value."""

_SAMPLED = 64
"""Of so many rows one is looked at, to know where a partition can be cut."""

_PARTITION = "_partition_of_target"


class Gathered:
    """Rows of a target without stamped columns: those to write, and those that are stored as is."""

    def __init__(self, spec: TableSpec, room: Room) -> None:
        self._spec = spec
        self._room = room
        self._none = schema(spec, computed(spec)).to_frame()
        self._differing: Shelves[Partition] = Shelves(room, self._none)
        self._same: Shelves[Partition] = Shelves(room, self._none)
        self._sort = next(iter(derivation(spec).sort), None)
        self._sampled: dict[Partition, list[pl.Series]] = {}
        self._height = {id(self._differing): 0, id(self._same): 0}

    def differ(self, rows: pl.DataFrame) -> None:
        """Rows that are not stored."""
        self._put(self._differing, rows)

    def same(self, rows: pl.DataFrame) -> None:
        """Rows that are stored, which are written as well when the table is replaced."""
        self._put(self._same, rows)

    def result(self, *, everything: bool) -> tuple[pl.DataFrame, Further | None]:
        """The rows to write: those held, and, where there was no room for all, those that are not.

        Args:
            everything: also those that are stored as they are.
        """
        shelves = [self._differing, *((self._same,) if everything else ())]
        if all(each.held for each in shelves):
            rows = [each.rows(name) for each in shelves for name in each.names]
            return union([self._none, *rows]), None
        height = sum(self._height[id(each)] for each in shelves)
        further = Further(self._spec, self._room, shelves, height, self._none, self._sampled)
        return self._none, further

    def _put(self, shelves: Shelves[Partition], rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        self._height[id(shelves)] += rows.height
        size = rows.estimated_size()
        for (partition,), part in (
            rows.with_columns(_partition(self._spec))
            .partition_by(_PARTITION, as_dict=True, include_key=False)
            .items()
        ):
            shelves.put(partition, part, int(size * part.height / rows.height))
            if self._sort is not None:
                sample = part[self._sort].gather_every(_SAMPLED).drop_nulls()
                self._sampled.setdefault(partition, []).append(sample)


class Further:
    """Rows that are too many to be held, as long as the build's room exists.

    Attributes:
        height: how many.
    """

    def __init__(
        self,
        spec: TableSpec,
        room: Room,
        shelves: Collection[Shelves[Partition]],
        height: int,
        none: pl.DataFrame,
        sampled: dict[Partition, list[pl.Series]],
    ) -> None:
        self.height = height
        self._spec = spec
        self._room = room
        self._shelves = shelves
        self._none = none
        self._sampled = sampled
        self._now: datetime | None = None

    def stamped(self, now: datetime) -> Further:
        """The same, with what stamped columns say."""
        self._now = now
        return self

    def partitions(self) -> Iterator[Iterator[pa.Table]]:
        """Of each partition its rows, in portions: all columns of the table, in its order. What is
        in a later portion comes not before what is in an earlier one by the first column that the
        table is sorted by. May be asked again; then the portions are made again."""
        names = dict.fromkeys(name for each in self._shelves for name in each.names)
        for name in names:
            yield self._portions(name)

    def _portions(self, name: Partition) -> Iterator[pa.Table]:
        size = sum(each.size(name) for each in self._shelves)
        number = -(-size * _SHARE // self._room.portion_bytes)
        if number < _SHARE:
            tables = [table for each in self._shelves for table in each.tables(name)]
            yield self._finished(pa.concat_tables(tables))
            return
        cut: Shelves[int] = Shelves(self._room, self._none)
        cuts = self._cuts(name, number)
        for rows in self._all(name):
            width = rows.estimated_size() / max(1, rows.height)
            for at, part in self._cut(rows, cuts):
                cut.put(at, part, int(width * part.height))
        for at in sorted(cut.names):
            yield self._finished(pa.concat_tables(cut.tables(at)))
            cut.drop(at)

    def _all(self, name: Partition) -> Iterator[pl.DataFrame]:
        for each in self._shelves:
            yield from each.portions(name)

    def _finished(self, rows: pa.Table) -> pa.Table:
        """As :func:`~services.transformer.framework.frames.stamp`, of an Arrow table."""
        if self._now is None:
            raise ValueError("it was not said when the rows are written")
        columns = list(schema(self._spec))
        types = stamp(self._none, self._spec, self._now).to_arrow().schema
        for name in derivation(self._spec).stamped:
            moment = pa.scalar(self._now, types.field(name).type)
            rows = rows.append_column(name, pa.repeat(moment, len(rows)))
        return rows.select(columns)

    def _cuts(self, name: Partition, number: int) -> list[object]:
        """Where portions begin, but for the first one."""
        if name not in self._sampled:
            return []
        sample = pl.concat(self._sampled[name]).sort()
        places = [len(sample) * at // number for at in range(1, number)]
        return list(dict.fromkeys(sample.gather(places).to_list())) if len(sample) else []

    def _cut(self, rows: pl.DataFrame, cuts: list[object]) -> Iterator[tuple[int, pl.DataFrame]]:
        if not cuts:
            yield 0, rows
            return
        column = pl.col(derivation(self._spec).sort[0])
        after = pl.sum_horizontal((column >= pl.lit(cut)).cast(pl.UInt32) for cut in cuts)
        # Nulls come last in a file, too.
        place = pl.when(column.is_null()).then(pl.lit(len(cuts), pl.UInt32)).otherwise(after)
        parts = rows.with_columns(place.alias(_PARTITION))
        for (at,), part in parts.partition_by(_PARTITION, as_dict=True, include_key=False).items():
            yield int(at), part


_SHARE = 2
"""A portion to be written has a half of the bytes that may wait: others wait meanwhile."""


def _partition(spec: TableSpec) -> pl.Expr:
    if spec.partition_by is None:
        return pl.lit(0).alias(_PARTITION)
    column = pl.col(spec.partition_by.column)
    match spec.partition_by.grain:
        case Grain.IDENTITY:
            found = column
        case Grain.DAY:
            found = column.dt.date()
        case Grain.MONTH:
            found = column.dt.year() * 12 + column.dt.month()
    return found.alias(_PARTITION)
