"""Which rows of a data file a snapshot's position delete files take out.

Iceberg specification, "Scan Planning": a position delete file applies to a data file of the same
partition spec and partition whose data sequence number is at most its own, and that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.typedef import Record

from shared.lake.position_deletes import may_name, named_positions
from shared.lake.reading.file_layout import FETCHES
from shared.lake.reading.live_files import LiveFile

Named = Mapping[str, pl.Series]
"""Positions (Int64) by path of the data file."""

NONE = pl.Series("pos", [], dtype=pl.Int64)


def named_by(io: FileIO, deletes: Sequence[DataFile]) -> list[Named]:
    """What each of these position delete files names, whether it applies or not.

    Raises:
        OSError: the store does not answer, or lacks a file.
    """
    if len(deletes) < 2:
        return [_named(io, each) for each in deletes]
    with ThreadPoolExecutor(min(FETCHES, len(deletes)), "bergline-fetch") as pool:
        return list(pool.map(lambda each: _named(io, each), deletes))


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
        return any(may_name(delete.file, path) for path in self._paths[key])


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
    return pl.concat(positions).unique().sort()


def _named(io: FileIO, delete: DataFile) -> Named:
    return {path: pl.Series("pos", each) for path, each in named_positions(io, delete).items()}
