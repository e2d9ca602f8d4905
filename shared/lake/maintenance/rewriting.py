"""Some files of one partition become few: rows stream through bounded memory, and are followed.

Rows of a landing table stay in the order in which they came; those of a derived table get the
declared one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.head_checks import partition_of
from shared.lake.maintenance.assembling import Copy, Piece, assembled
from shared.lake.maintenance.file_rows import FileRows
from shared.lake.maintenance.moves import Moves
from shared.lake.maintenance.ordering import declared_order
from shared.lake.maintenance.rewriting_pieces import Copied
from shared.lake.maintenance.rewriting_steps import steps
from shared.lake.maintenance.row_groups import Held, row_groups
from shared.lake.maintenance.sorting import in_order
from shared.lake.maintenance.source_rows import ORIGIN, SourceRows
from shared.lake.reading.live_files import LiveFiles
from shared.lake.surviving_rows import deleted_positions
from shared.runtime.errors import CheckFailed
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Old files, and the new ones that hold their rows; no snapshot names these yet.

    Attributes:
        inputs: old files, in the order of their numbers in ``moves``.
        files: new ones; none when every row was deleted.
        moves: where the rows went.
        gone: positions of the old files that were deleted when they were read.
        rows: in the new files.
    """

    inputs: Sequence[str]
    files: Sequence[DataFile]
    moves: Moves
    gone: Mapping[str, pa.Array]
    rows: int

    @property
    def size(self) -> int:
        """Bytes of the new files."""
        return sum(file.file_size_in_bytes for file in self.files)


def rewrite(
    table: Table,
    spec: TableSpec,
    live: LiveFiles,
    inputs: Sequence[str],
    *,
    target_bytes: int,
    memory_bytes: int,
    held: Held,
    read: Callable[[int], None],
) -> Rewritten:
    """Write the rows of some files of one partition anew, without those that are deleted.

    Args:
        table: whose present schema counts.
        spec: its declaration: a derived table's order is honoured.
        live: the files of the snapshot that is read.
        inputs: paths of the data files, in the order of their rows.
        target_bytes: a new file of that size is full.
        memory_bytes: bytes of rows, and of files fetched, that may be held.
        held: is told what is held.
        read: is told the bytes of input that were read since it was called last; what it raises
            ends the rewrite.

    Raises:
        Refused: a file cannot be read here.
        CheckFailed: as many rows were not written as are live.
        OSError: the object store does not answer, or lacks a file.
    """
    sources = [live.data[path].file for path in inputs]
    gone = deleted_now(table.io, live, inputs)
    moves = Moves(inputs)
    by = declared_order(table, spec)
    share = memory_bytes // 8
    reader = FileRows(table, share // 2)
    rows = SourceRows(reader, table.io, sources, gone, share, held, read)
    count = sum(file.record_count for file in sources)

    def pieces() -> Iterator[Piece]:
        for step in steps(table.io, sources, gone, reader.schema, by):
            if isinstance(step, Copied):
                moves.run(step.file, step.group.first, step.group.rows)
                yield Copy(step.group, partial(rows.copied, step))
                continue
            parts = rows.in_order(step.parts, moves)
            if by:
                located, names = rows.located(step.parts), [field.name for field in by]
                found = in_order(located, names, most_bytes=2 * share, rows=count, held=held)
                parts = _followed(found, moves)
            yield from row_groups(parts, 3 * share // 2, held)

    place = partition_of(sources[0])
    files = assembled(table, place, reader.schema, pieces(), target_bytes=target_bytes)
    moves.into([(file.file_path, file.record_count) for file in files])
    expected = sum(file.record_count - len(gone.get(file.file_path, ())) for file in sources)
    if moves.rows != expected:
        raise CheckFailed(
            f"{spec.name}: {len(inputs)} files should hold {expected} live rows and hold "
            f"{moves.rows}; the first of them is {inputs[0]}",
            "nothing was changed; check the table with `bergline verify`",
        )
    return Rewritten(inputs, files, moves, gone, moves.rows)


def deleted_now(io: FileIO, live: LiveFiles, paths: Sequence[str]) -> dict[str, pa.Array]:
    """Positions of these data files that are deleted in a snapshot, each once, ascending.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    found = deleted_positions(io, live, paths)
    return {path: pa.chunked_array(parts).unique().sort() for path, parts in found.items()}


def _followed(parts: Iterable[pa.Table], moves: Moves) -> Iterator[pa.Table]:
    """Rows without their origin, which ``moves`` is told."""
    for rows in parts:
        moves.merged(rows[ORIGIN].combine_chunks())
        yield rows.drop_columns([ORIGIN])
