"""Some files of one partition become few: rows stream through bounded memory, and are followed.

Rows of a landing table stay in the order in which they came; those of a derived table get the
declared one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.data_files import write_row_groups
from shared.lake.head_checks import partition_of
from shared.lake.maintenance.file_rows import FileRows, without
from shared.lake.maintenance.moves import Moves, packed
from shared.lake.maintenance.ordering import declared_order
from shared.lake.maintenance.row_groups import Held, row_groups
from shared.lake.maintenance.sorting import in_order
from shared.lake.reading.live_files import LiveFiles
from shared.lake.reading.small_files import whole
from shared.lake.surviving_rows import deleted_positions
from shared.runtime.errors import CheckFailed
from shared.tables.spec import TableSpec

AHEAD = 8
"""Most small files that are fetched before they are needed."""

WHOLE_BYTES = 16 * 2**20
"""A smaller file is fetched by one request; of a larger one, ranges."""

_ORIGIN = "_bergline_origin"
"""Where a row came from, while rows are sorted."""


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
    by = [field.name for field in declared_order(table, spec)]
    share = memory_bytes // 8
    rows = _Source(FileRows(table, share // 2), table.io, sources, gone, share, held, read)
    parts = rows.in_order(moves)
    if by:
        count = sum(file.record_count for file in sources)
        found = in_order(rows.located(), by, most_bytes=2 * share, rows=count, held=held)
        parts = _followed(found, moves)
    groups = row_groups(parts, 2 * share, held)
    files = write_row_groups(table, partition_of(sources[0]), groups, target_bytes=target_bytes)
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


class _Source:
    """The rows of the old files."""

    def __init__(
        self,
        reader: FileRows,
        io: FileIO,
        files: Sequence[DataFile],
        gone: Mapping[str, pa.Array],
        ahead_bytes: int,
        held: Held,
        read: Callable[[int], None],
    ) -> None:
        self._reader, self._io, self._files, self._gone = reader, io, files, gone
        self._ahead_bytes, self._held, self._read = ahead_bytes, held, read

    def in_order(self, moves: Moves) -> Iterator[pa.Table]:
        """As they are."""
        for number, first, count, rows, indices in self._kept():
            if indices is None:
                moves.run(number, first, count)
            else:
                moves.kept(number, first, indices)
            yield rows

    def located(self) -> Iterator[pa.Table]:
        """With their origin."""
        for number, first, count, rows, indices in self._kept():
            if indices is None:
                positions = pa.arange(first, first + count)
            else:
                positions = pc.add(indices, first)
            yield rows.append_column(_ORIGIN, packed(number, positions))

    def _kept(self) -> Iterator[tuple[int, int, int, pa.Table, pa.Array | None]]:
        """File, position of the first row and number of rows read; those kept, and which."""
        for number, (file, content) in enumerate(self._fetched()):
            gone = self._gone.get(file.file_path)
            first = told = 0
            for rows in self._reader.batches(file, content):
                kept, indices = without(rows, first, gone)
                self._held.add(rows.nbytes)
                yield number, first, len(rows), kept, indices
                self._held.release(rows.nbytes)
                first += len(rows)
                done = file.file_size_in_bytes * first // max(file.record_count, first)
                self._read(done - told)
                told = done

    def _fetched(self) -> Iterator[tuple[DataFile, bytes | None]]:
        """The files, small ones with their content, the next of which are on their way."""
        waiting: deque[tuple[DataFile, Future[bytes | None]]] = deque()
        coming = iter(self._files)
        size = 0
        with ThreadPoolExecutor(AHEAD, "bergline-fetch") as pool:
            try:
                more = True
                while more or waiting:
                    while more and (
                        not waiting or (len(waiting) < AHEAD and size < self._ahead_bytes)
                    ):
                        following = next(coming, None)
                        if following is None:
                            more = False
                            break
                        coming_bytes = self._fetched_bytes(following)
                        size += coming_bytes
                        self._held.add(coming_bytes)
                        fetching = pool.submit(self._whole, following)
                        waiting.append((following, fetching))
                    if not waiting:
                        return
                    file, fetching = waiting.popleft()
                    yield file, fetching.result()
                    size -= self._fetched_bytes(file)
                    self._held.release(self._fetched_bytes(file))
            finally:
                for file, fetching in waiting:
                    fetching.cancel()
                    self._held.release(self._fetched_bytes(file))

    def _fetched_bytes(self, file: DataFile) -> int:
        """What is fetched of a file before it is read: all of a small one, or nothing."""
        size = file.file_size_in_bytes
        return size if size <= min(WHOLE_BYTES, self._ahead_bytes // 2) else 0

    def _whole(self, file: DataFile) -> bytes | None:
        return whole(self._io, file.file_path) if self._fetched_bytes(file) else None


def _followed(parts: Iterable[pa.Table], moves: Moves) -> Iterator[pa.Table]:
    """Rows without their origin, which ``moves`` is told."""
    for rows in parts:
        moves.merged(rows[_ORIGIN].combine_chunks())
        yield rows.drop_columns([_ORIGIN])
