"""Rows as they stream from old files to new ones, and how many bytes of them are held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import pyarrow as pa

from shared.lake.data_files import ROW_GROUP_ROWS


class Held:
    """Counts the bytes of rows that are held; ``most`` is how many they ever were at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def add(self, size: int) -> None:
        """So many more."""
        self.now += size
        self.most = max(self.most, self.now)

    def release(self, size: int) -> None:
        """So many are done with."""
        self.now -= size


def row_groups(parts: Iterable[pa.Table], most_bytes: int, held: Held) -> Iterator[pa.Table]:
    """Neighbours together, up to about ``most_bytes`` and :data:`ROW_GROUP_ROWS` rows."""
    together: list[pa.Table] = []
    size = rows = 0
    for part in chain.from_iterable(map(_pieces, parts)):
        together.append(part)
        size += part.nbytes
        rows += len(part)
        held.add(part.nbytes)
        if size >= most_bytes or rows >= ROW_GROUP_ROWS:
            yield pa.concat_tables(together)
            held.release(size)
            together, size, rows = [], 0, 0
    if together:
        yield pa.concat_tables(together)
        held.release(size)


def _pieces(rows: pa.Table) -> Iterator[pa.Table]:
    return (rows.slice(at, ROW_GROUP_ROWS) for at in range(0, len(rows), ROW_GROUP_ROWS))
