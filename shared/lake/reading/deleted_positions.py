"""Which rows of a data file a snapshot's position delete files take out.

Iceberg specification, "Scan Planning": a position delete file applies to a data file of the same
partition spec and partition whose data sequence number is at most its own, and that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.typedef import Record

from shared.lake.reading.bounded_cache import BoundedCache
from shared.lake.reading.live_files import LiveFile
from shared.lake.reading.parquet_files import open_files

FILE_PATH_ID, POS_ID = 2147483546, 2147483545
"""Reserved field ids of position delete files."""

KEPT_POSITIONS = 8_000_000
"""Most positions that are kept: 64 MB."""

Named = Mapping[str, pl.Series]
"""Positions (Int64, ascending, each once) by path of the data file."""

_NAMED: BoundedCache[Named] = BoundedCache(
    KEPT_POSITIONS, lambda named: sum(len(each) for each in named.values())
)
NONE = pl.Series("pos", [], dtype=pl.Int64)


def named_by(io: FileIO, deletes: Sequence[DataFile]) -> list[Named]:
    """What each of these position delete files names, whether it applies or not.

    Raises:
        OSError: the store does not answer, or lacks a file.
    """
    missing = [each for each in deletes if _NAMED.peek(each.file_path) is None]
    read = {
        opened.path: _positions(opened.scan().select("file_path", "pos").collect())
        for opened in open_files(io, missing)
    }
    return [
        _NAMED.get(each.file_path, lambda path=each.file_path: read[path])  # type: ignore[misc]
        for each in deletes
    ]


def deleted_positions(
    io: FileIO, files: Mapping[str, LiveFile], deletes: Iterable[LiveFile]
) -> Named:
    """The deleted positions of each of these data files; files without any are left out.

    A delete file that cannot apply to one of them is not opened.

    Args:
        io: where the files are.
        files: data files of one snapshot by path.
        deletes: the position delete files of that snapshot, at least those of the same partitions.

    Raises:
        OSError: the store does not answer, or lacks a file.
    """
    partitions = Partitions(files)
    chosen = [each for each in deletes if partitions.may_apply(each)]
    found: dict[str, list[pl.Series]] = {}
    for delete, named in zip(chosen, named_by(io, [each.file for each in chosen]), strict=True):
        for path in partitions.paths(delete.file) & named.keys():
            if files[path].sequence_number <= delete.sequence_number:
                found.setdefault(path, []).append(named[path])
    return {path: united(each) for path, each in found.items()}


class Partitions:
    """Data files by the partition that their deletes must be of."""

    def __init__(self, files: Mapping[str, LiveFile]) -> None:
        self._paths: dict[tuple[int, Record], set[str]] = {}
        self._oldest: dict[tuple[int, Record], int] = {}
        for path, live in files.items():
            key = partition_of(live.file)
            self._paths.setdefault(key, set()).add(path)
            number = live.sequence_number
            self._oldest[key] = min(number, self._oldest.get(key, number))

    def paths(self, delete: DataFile) -> set[str]:
        """The data files of the partition of a delete file."""
        return self._paths.get(partition_of(delete), set())

    def may_apply(self, delete: LiveFile) -> bool:
        """Whether a delete file can apply to one of the data files: it need not be opened else."""
        key = partition_of(delete.file)
        if delete.sequence_number < self._oldest.get(key, delete.sequence_number + 1):
            return False
        lower = (delete.file.lower_bounds or {}).get(FILE_PATH_ID)
        upper = (delete.file.upper_bounds or {}).get(FILE_PATH_ID)
        if not lower or not upper:
            return True
        return any(lower <= path.encode() <= upper for path in self._paths[key])


def partition_of(file: DataFile) -> tuple[int, Record]:
    """Partition spec id and partition."""
    return file.spec_id, file.partition


def without(positions: pl.Series, others: pl.Series) -> pl.Series:
    """Positions that are not among the others."""
    return positions.filter(~positions.is_in(others.implode()))


def united(positions: Sequence[pl.Series]) -> pl.Series:
    """All of them, each once, ascending."""
    if not positions:
        return NONE
    return positions[0] if len(positions) == 1 else pl.concat(positions).unique().sort()


def _positions(rows: pl.DataFrame) -> Named:
    parts = rows.partition_by("file_path", as_dict=True, include_key=False)
    return {
        str(path): part["pos"].cast(pl.Int64).unique().sort() for (path,), part in parts.items()
    }
