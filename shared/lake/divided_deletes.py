"""Delete files that name data files which leave, and perhaps others that stay.

What they say of files that are gone deletes nothing and costs every reader. Their bounds do not
tell; so they are read, those that name nothing else go, and of the *mixed* ones the positions of
the files that stay are put together, to be written in one file. A large one with few idle positions
is left: to write it anew would cost more than it brings.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

from shared.lake.head_checks import Partition, partition_of
from shared.lake.position_deletes import FILE_PATH_ID, named_positions
from shared.lake.reading.live_files import LiveFile, LiveFiles

LITTLE = 100_000
"""A delete file of so many positions is divided however few of them are idle."""

SHARE = 0.1
"""Of the positions of a larger one; so ten are written at most for one that is spared."""

MOST = 4_000_000
"""Positions of files that stay which are held and written at once: 32 MB."""


@dataclass(frozen=True, slots=True)
class Divided:
    """What becomes of the delete files that name files which leave.

    Attributes:
        gone: delete files that leave: all that they say of files that stay is in ``staying``.
        staying: positions that these delete files take out of files that stay, ascending, each
            once; without those that another delete file takes out as well.
        left: mixed delete files that stay as they are.
    """

    gone: frozenset[str]
    staying: Mapping[str, pa.Array]
    left: tuple[str, ...]


def divide(io: FileIO, live: LiveFiles, leaving: Collection[str]) -> Divided:
    """Divide the delete files of a snapshot that name one of the data files which leave.

    Args:
        io: where the files are.
        live: the files of the snapshot.
        leaving: paths of data files.

    Raises:
        OSError: the object store does not answer, or lacks a delete file.
    """
    wanted = set(leaving)
    gone: set[str] = set()
    left: list[str] = []
    parts: dict[str, list[pa.Array]] = {}
    held = 0
    for path, delete in about(live, wanted):
        named = named_positions(io, delete.file)
        if named.keys().isdisjoint(wanted):
            continue
        staying = {
            name: positions
            for name, positions in named.items()
            if name not in wanted and applies(delete, live.data.get(name))
        }
        count = sum(map(len, staying.values()))
        if staying:
            total = sum(map(len, named.values()))
            if not worth_dividing(total, total - count) or held + count > MOST:
                left.append(path)
                continue
        gone.add(path)
        held += count
        for name, positions in staying.items():
            parts.setdefault(name, []).append(positions)
    united = {name: pa.chunked_array(each).unique().sort() for name, each in parts.items()}
    return Divided(frozenset(gone), _not_said_elsewhere(io, live, gone, united), tuple(left))


def united(io: FileIO, live: LiveFiles, deletes: Collection[str]) -> Divided:
    """What several position delete files of a snapshot say, to be said by one instead.

    Beyond :data:`MOST` positions the rest of the files is left.

    Args:
        io: where the files are.
        live: the files of the snapshot.
        deletes: paths of delete files.

    Raises:
        OSError: the object store does not answer, or lacks a delete file.
    """
    gone: set[str] = set()
    left: list[str] = []
    parts: dict[str, list[pa.Array]] = {}
    held = 0
    for path in sorted(deletes, key=lambda path: live.deletes[path].file.record_count):
        delete = live.deletes[path]
        if held and held + delete.file.record_count > MOST:
            left.append(path)
            continue
        gone.add(path)
        for name, positions in named_positions(io, delete.file).items():
            if applies(delete, live.data.get(name)):
                parts.setdefault(name, []).append(positions)
                held += len(positions)
    one = {name: pa.chunked_array(each).unique().sort() for name, each in parts.items()}
    return Divided(frozenset(gone), _not_said_elsewhere(io, live, gone, one), tuple(left))


def worth_dividing(positions: int, idle: int) -> bool:
    """Whether a mixed delete file of so many positions is written anew without the idle ones."""
    return idle > 0 and (positions <= LITTLE or idle >= SHARE * positions)


def about(live: LiveFiles, data: Iterable[str]) -> Iterator[tuple[str, LiveFile]]:
    """The position delete files that may name one of these live data files, as their bounds say."""
    encoded: dict[Partition, list[bytes]] = {}
    for path in data:
        encoded.setdefault(partition_of(live.data[path].file), []).append(path.encode())
    for own in encoded.values():
        own.sort()
    for path, delete in live.deletes.items():
        if is_position_deletes(delete.file) and _may_name_one(
            delete.file, encoded.get(partition_of(delete.file), ())
        ):
            yield path, delete


def applies(delete: LiveFile, data: LiveFile | None) -> bool:
    """Whether what a delete file says of a data file takes rows out of it (Iceberg spec, "Scan
    Planning"): it is live, of the same spec and partition, and not younger."""
    return (
        data is not None
        and data.sequence_number <= delete.sequence_number
        and partition_of(data.file) == partition_of(delete.file)
    )


def is_position_deletes(file: DataFile) -> bool:
    """Whether it is a file of paths and positions: no equality deletes, no deletion vector."""
    return (
        file.content == DataFileContent.POSITION_DELETES and file.file_format == FileFormat.PARQUET
    )


def _may_name_one(delete: DataFile, paths: list[bytes] | tuple[()]) -> bool:
    lower = (delete.lower_bounds or {}).get(FILE_PATH_ID)
    upper = (delete.upper_bounds or {}).get(FILE_PATH_ID)
    at = bisect_left(paths, lower) if lower else 0
    return at < len(paths) and not (upper and paths[at] > upper)


def _not_said_elsewhere(
    io: FileIO, live: LiveFiles, gone: Collection[str], staying: Mapping[str, pa.Array]
) -> dict[str, pa.Array]:
    """A position that two delete files name stays deleted by the one that stays."""
    found = dict(staying)
    for path, delete in about(live, staying):
        if path in gone:
            continue
        named = named_positions(io, delete.file)
        for name in named.keys() & found.keys():
            if applies(delete, live.data[name]):
                found[name] = without(found[name], named[name])
    return {name: positions for name, positions in found.items() if len(positions)}


def without(positions: pa.Array, others: pa.Array | None) -> pa.Array:
    """Positions that are not among the others."""
    if others is None:
        return positions
    return positions.filter(pc.invert(pc.is_in(positions, others)))
