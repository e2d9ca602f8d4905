"""Rows of several sources in buckets: what belongs together is in the same one.

Which bucket is told by a hash of the columns that name what is computed together, so each bucket
can be computed by itself, and together they are everything. What fits into a part of the room is
one bucket and is never hashed. How many buckets there are is decided when no more fits, from what
has been read until then and from how many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

import polars as pl

from services.transformer.framework.frames import union
from services.transformer.framework.room import Room, Shelves

SHARE = 2
"""A bucket has so many of the bytes that may wait: a half, as others wait meanwhile."""

MOST = 4096
"""Buckets; with more, files would be small and many."""

_SEED = 1_618_033
_BUCKET = "bucket"
_TEXT_BYTES = 40
"""A text of a source of which nothing has been read."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows to be split.

    Attributes:
        name: of the source.
        none: no rows of it.
        portions: all rows, a portion at a time, and how many were read for each portion.
        total: how many will be read.
        leads: rows → what names their groups, a frame for each way that leads to one.
    """

    name: str
    none: pl.DataFrame
    portions: Iterable[tuple[int, pl.DataFrame]]
    total: int
    leads: Callable[[pl.DataFrame], Sequence[pl.DataFrame]]


class Buckets:
    """Rows of sources, split."""

    def __init__(self, shelves: Mapping[str, Shelves[int]], count: int) -> None:
        self.count = count
        self._shelves = shelves
        self._whole: dict[str, pl.DataFrame] = {}

    @classmethod
    def whole(cls, rows: Mapping[str, pl.DataFrame]) -> Buckets:
        """One bucket of all rows."""
        found = cls({}, 1)
        found._whole = dict(rows)
        return found

    def taken(self, name: str, number: int) -> pl.DataFrame:
        """The rows of a source that are in a bucket; asked for once."""
        if self.count == 1:
            return self._whole.pop(name)
        return self._shelves[name].taken(number)


def split(sources: Sequence[Source], room: Room, *, divisible: bool = True) -> Buckets:
    """Read all sources and split their rows.

    Args:
        sources: they are read one after another.
        room: where rows wait.
        divisible: whether what belongs together can be told; else all of it is one bucket.
    """
    reading = _Reading(sources)
    waiting: dict[str, list[pl.DataFrame]] = {each.name: [each.none] for each in sources}
    found: Buckets | None = None
    shelves: dict[str, Shelves[int]] = {}
    for source in sources:
        for read, rows in source.portions:
            size = int(rows.estimated_size())
            reading.add(source, read, size)
            if found is not None:
                _put(shelves[source.name], source, rows, size, found.count)
                continue
            waiting[source.name].append(rows)
            if divisible and reading.size > room.portion_bytes // SHARE:
                shelves = {each.name: Shelves(room, each.none) for each in sources}
                found = Buckets(shelves, number_of(reading.expected(), room))
                for each in sources:
                    for part in waiting.pop(each.name):
                        size = int(part.estimated_size())
                        _put(shelves[each.name], each, part, size, found.count)
    return found or Buckets.whole({name: union(parts) for name, parts in waiting.items()})


def number_of(size: int, room: Room) -> int:
    """How many buckets rows of so many bytes need; at least two."""
    return min(MOST, max(2, -(-size * SHARE // room.portion_bytes)))


def numbers(names: pl.DataFrame, count: int) -> pl.Series:
    """The bucket of each row that is named so: 0 to ``count`` - 1; equal ones have the same."""
    return (names.hash_rows(seed=_SEED) % count).alias(_BUCKET)


class _Reading:
    """How much was read of each source, and so how much will have been."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._read = {each.name: 0 for each in sources}
        self._sizes = {each.name: 0 for each in sources}

    @property
    def size(self) -> int:
        return sum(self._sizes.values())

    def add(self, source: Source, read: int, size: int) -> None:
        self._read[source.name] += read
        self._sizes[source.name] += size

    def expected(self) -> int:
        return sum(map(self._expected, self._sources))

    def _expected(self, source: Source) -> int:
        read, size = self._read[source.name], self._sizes[source.name]
        if not read:
            return source.total * sum(map(_width, source.none.dtypes))
        return size * max(source.total, read) // read


def _width(dtype: pl.DataType) -> int:
    return 8 if dtype.is_numeric() or dtype.is_temporal() else _TEXT_BYTES


def _put(shelves: Shelves[int], source: Source, rows: pl.DataFrame, size: int, count: int) -> None:
    width = size / max(1, rows.height)
    ways = [numbers(names, count) for names in source.leads(rows)]
    for at, way in enumerate(ways):
        some = rows
        if at:  # what two ways lead into one bucket is there once
            elsewhere = reduce(and_, (way != other for other in ways[:at]))
            some, way = rows.filter(elsewhere), way.filter(elsewhere)
        for number, part in _parts(some, way):
            shelves.put(number, part, int(width * part.height))


def _parts(rows: pl.DataFrame, way: pl.Series) -> Iterator[tuple[int, pl.DataFrame]]:
    """The rows of each bucket, in one go: parts of what has been put in order."""
    ordered = rows[way.arg_sort()]
    start = 0
    for number, height in way.value_counts().sort(_BUCKET).iter_rows():
        yield number, ordered.slice(start, height)
        start += height
