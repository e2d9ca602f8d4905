"""Where the rows of a rewrite went: (old file, old position) → (new file, new position). Pure.

Held are runs of neighbours where the order of rows is kept, and eight bytes a row where files were
merged. Rows are numbered through all new files, in the order in which they were written.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

POSITION_BITS = 40
"""Of a packed origin; the number of the old file is above them."""


def packed(file: int, positions: pa.Array) -> pa.Array:
    """Origins of rows, one number each: of which old file, counted from 0, and where in it."""
    return pc.add(positions, file << POSITION_BITS)


class Moves:
    """Fill it in the order in which rows are written; then tell it which files they are in.

    Args:
        inputs: paths of the old files; a file's number is its place here.
    """

    def __init__(self, inputs: Sequence[str]) -> None:
        self._numbers = {path: number for number, path in enumerate(inputs)}
        self._olds = array("q")
        """Origin of the first row of each run, packed."""
        self._news = array("q")
        """Its number among the new rows."""
        self._lengths = array("q")
        self._merged: list[tuple[int, pa.Array]] = []
        """Number of the first row of each part, and origins in the order of the new rows."""
        self._by_old: Sequence[int] | None = None
        self._paths: list[str] = []
        self._starts: list[int] = []
        self.rows = 0

    def run(self, file: int, first: int, count: int) -> None:
        """The next ``count`` new rows are those of an old file from position ``first`` on."""
        old = (file << POSITION_BITS) + first
        if self._olds and self._olds[-1] + self._lengths[-1] == old and self._continues():
            self._lengths[-1] += count
        elif count:
            self._olds.append(old)
            self._news.append(self.rows)
            self._lengths.append(count)
        self.rows += count

    def kept(self, file: int, first: int, indices: pa.Array) -> None:
        """The next new rows are those of an old file at ``first`` + each of ``indices``."""
        numbers = indices.to_pylist()
        start = 0
        for at in range(1, len(numbers) + 1):
            if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
                self.run(file, first + numbers[start], at - start)
                start = at

    def merged(self, origins: pa.Array) -> None:
        """The next new rows come from these origins (:func:`packed`)."""
        self._merged.append((self.rows, origins))
        self.rows += len(origins)

    def into(self, files: Sequence[tuple[str, int]]) -> None:
        """The new files, in order, with the number of rows of each.

        Raises:
            ValueError: they do not hold as many rows as were moved.
        """
        self._paths, self._starts = [path for path, _ in files], [0]
        for _, count in files:
            self._starts.append(self._starts[-1] + count)
        if self._starts[-1] != self.rows:
            raise ValueError(f"{self.rows} rows were moved, {self._starts[-1]} are in the files")
        runs = range(len(self._olds))
        ascending = all(self._olds[at] < self._olds[at + 1] for at in runs[:-1])
        self._by_old = runs if ascending else sorted(runs, key=self._olds.__getitem__)

    def moved(self, positions: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """Where these rows are now: old file → positions becomes new file → positions, ascending.

        Rows that did not survive the rewrite are left out, as they are nowhere.

        Raises:
            KeyError: a file was none of the old ones.
        """
        wanted = [
            (self._numbers[path] << POSITION_BITS) + position
            for path, own in positions.items()
            for position in own
        ]
        found: dict[str, list[int]] = {}
        for number in sorted({*self._in_runs(wanted), *self._in_merged(wanted)}):
            file = bisect_right(self._starts, number) - 1
            found.setdefault(self._paths[file], []).append(number - self._starts[file])
        return found

    def _continues(self) -> bool:
        return self._news[-1] + self._lengths[-1] == self.rows

    def _in_runs(self, wanted: Sequence[int]) -> list[int]:
        if self._by_old is None:
            raise RuntimeError("the new files are not known yet")
        found = []
        olds = self._olds
        for origin in wanted:
            at = bisect_right(self._by_old, origin, key=olds.__getitem__) - 1
            if at < 0:
                continue
            run = self._by_old[at]
            if origin < olds[run] + self._lengths[run]:
                found.append(self._news[run] + origin - olds[run])
        return found

    def _in_merged(self, wanted: Sequence[int]) -> list[int]:
        values = pa.array(wanted, pa.int64())
        return [
            first + index
            for first, origins in self._merged
            for index in pc.indices_nonzero(pc.is_in(origins, values)).to_pylist()
        ]
