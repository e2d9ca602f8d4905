"""What of the old files is copied and what is written anew, and in which order.

Rows of a landing table stay in the order of the files. Those of a sorted one are merged, but for
row groups that lie apart (:mod:`~.row_groups_apart`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.types import NestedField

from shared.lake.maintenance.copied_groups import OldGroup, enough, old_groups
from shared.lake.maintenance.parquet_footer import footer_of, pattern
from shared.lake.maintenance.rewriting_pieces import Anew, Copied, Part, Step
from shared.lake.maintenance.row_groups_apart import apart
from shared.lake.maintenance.thrift_compact import Struct, ThriftError

FOOTERS = 8
"""Most that are fetched at once."""


def steps(
    io: FileIO,
    files: Sequence[DataFile],
    gone: Mapping[str, pa.Array],
    schema: pa.Schema,
    by: Sequence[NestedField],
) -> list[Step]:
    """What happens to every row group of the old files, in the order of the new rows.

    A file whose footer cannot be read, or that is not what its manifest says, is written anew: who
    reads its rows will say what is wrong.

    Args:
        io: of the table.
        files: old ones; a file's number is its place here.
        gone: positions that are deleted, ascending, by path.
        schema: of what is written, with field ids.
        by: the columns of the declared order, if there is one.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    like = pattern(schema)

    def found(file: DataFile) -> list[OldGroup]:
        if not enough(file.record_count, file.file_size_in_bytes):
            return []
        groups = _clean(_old_groups(io, file, like), gone.get(file.file_path))
        return groups if any(group.copied for group in groups) else []

    with ThreadPoolExecutor(FOOTERS, "bergline-footer") as pool:
        groups = list(pool.map(found, files))
    if not any(groups):
        return [Anew(tuple(Part(number) for number in range(len(files))))]
    pieces = [list(_pieces(number, own)) for number, own in enumerate(groups)]
    if not by:
        return _together(each for own in pieces for each in own)
    return _together(apart(io, files, pieces, schema, by))


def _old_groups(io: FileIO, file: DataFile, like: Struct) -> list[OldGroup]:
    with io.new_input(file.file_path).open(seekable=True) as stream:

        def read(at: int, count: int) -> bytes:
            stream.seek(at)
            return stream.read(count)

        try:
            footer = footer_of(read, file.file_size_in_bytes)
            return old_groups(footer, like) if footer.rows == file.record_count else []
        except ThriftError:
            return []


def _clean(groups: list[OldGroup], gone: pa.Array | None) -> list[OldGroup]:
    """Those with deleted rows are not copied."""
    if gone is None or not groups:
        return groups
    positions: list[int] = gone.to_pylist()

    def clean(group: OldGroup) -> bool:
        end = group.first + group.rows
        return bisect_left(positions, group.first) == bisect_left(positions, end)

    return [replace(group, copied=group.copied and clean(group)) for group in groups]


def _pieces(file: int, groups: Sequence[OldGroup]) -> Iterator[Copied | Part]:
    """A file from beginning to end."""
    if not groups:
        yield Part(file)
    for group in groups:
        yield Copied(file, group) if group.copied else Part(file, group.first, (group,))


def _together(pieces: Iterable[Copied | Part]) -> list[Step]:
    found: list[Step] = []
    parts: list[Part] = []
    for piece in pieces:
        if isinstance(piece, Part):
            parts.append(piece)
            continue
        if parts:
            found.append(Anew(_neighbours(parts)))
            parts = []
        found.append(piece)
    return [*found, Anew(_neighbours(parts))] if parts else found


def _neighbours(parts: list[Part]) -> tuple[Part, ...]:
    """By file, where row groups that follow one another are read together; rows that are merged
    may be read in any order."""
    found: list[Part] = []
    for part in sorted(parts, key=lambda each: (each.file, each.first)):
        last = found[-1] if found else None
        if last and last.groups and part.groups and _follows(last.file, last.groups, part):
            found[-1] = Part(last.file, last.first, last.groups + part.groups)
        else:
            found.append(part)
    return tuple(found)


def _follows(file: int, groups: Sequence[OldGroup], part: Part) -> bool:
    follower = None if part.groups is None else part.groups[0].number
    return file == part.file and groups[-1].number + 1 == follower
