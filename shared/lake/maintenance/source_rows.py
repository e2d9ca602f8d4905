"""Rows and row groups of the old files, as they are wanted; the next ones are on their way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from shared.lake.maintenance.file_rows import FileRows, without
from shared.lake.maintenance.moves import Moves, packed
from shared.lake.maintenance.page_walk import walked
from shared.lake.maintenance.rewriting_pieces import Copied, Part
from shared.lake.maintenance.row_groups import Held
from shared.lake.maintenance.thrift_compact import ThriftError
from shared.lake.reading.small_files import whole
from shared.runtime.errors import CheckFailed

AHEAD = 8
"""Most small files that are fetched before they are needed."""

WHOLE_BYTES = 16 * 2**20
"""A smaller file is fetched by one request; of a larger one, ranges."""

COPIED_BYTES = 8 * 2**20
"""Of a row group that is copied, held at once."""

ORIGIN = "_bergline_origin"
"""Where a row came from, while rows are sorted."""


class SourceRows:
    """The old files of one rewrite.

    Args:
        reader: of their rows.
        io: of the table.
        files: a file's number is its place here.
        gone: positions that are deleted, ascending, by path.
        ahead_bytes: of files that may be fetched before they are needed.
        held: is told what is held.
        read: is told the bytes of input that were read since it was called last.
    """

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
        self._done = [0] * len(files)
        """Rows of each file that were read."""

    def in_order(self, parts: Sequence[Part], moves: Moves) -> Iterator[pa.Table]:
        """As they are, without those that are deleted; raises as :meth:`FileRows.batches`."""
        for number, first, count, rows, indices in self._kept(parts):
            if indices is None:
                moves.run(number, first, count)
            else:
                moves.kept(number, first, indices)
            yield rows

    def located(self, parts: Sequence[Part]) -> Iterator[pa.Table]:
        """With their origin; raises as :meth:`FileRows.batches`."""
        for number, first, count, rows, indices in self._kept(parts):
            if indices is None:
                positions = pa.arange(first, first + count)
            else:
                positions = pc.add(indices, first)
            yield rows.append_column(ORIGIN, packed(number, positions))

    def copied(self, piece: Copied) -> Iterator[bytes]:
        """The bytes of a row group, column after column.

        Raises:
            CheckFailed: they are not the pages that its footer tells of.
            OSError: the object store does not answer, or lacks the file.
        """
        file, group = self._files[piece.file], piece.group
        done = 0
        try:
            for part in walked(self._ranges(file, group.chunks), group.values):
                self._held.add(len(part))
                yield part
                self._held.release(len(part))
                before, done = done, done + len(part)
                share = group.rows * done // group.size - group.rows * before // group.size
                self._tell(piece.file, share)
        except ThriftError as error:
            raise CheckFailed(
                f"{file.file_path}: row group {group.number} is broken: {error}",
                "nothing was changed; check the table with `bergline verify`",
            ) from error

    def _ranges(self, file: DataFile, chunks: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        with self._io.new_input(file.file_path).open(seekable=True) as stream:
            for begin, end in _joined(chunks):
                stream.seek(begin)
                at = begin
                while at < end:
                    part = stream.read(min(COPIED_BYTES, end - at))
                    if not part:
                        raise ThriftError(f"the file ends at byte {at}")
                    at += len(part)
                    yield part

    def _tell(self, number: int, rows: int) -> None:
        file = self._files[number]
        before = self._done[number]
        self._done[number] = before + rows
        all_rows = max(file.record_count, before + rows, 1)
        size = file.file_size_in_bytes
        self._read(size * (before + rows) // all_rows - size * before // all_rows)

    def _kept(
        self, parts: Sequence[Part]
    ) -> Iterator[tuple[int, int, int, pa.Table, pa.Array | None]]:
        """File, position of the first row and number of rows read; those kept, and which."""
        for part, content in self._fetched(parts):
            file = self._files[part.file]
            gone = self._gone.get(file.file_path)
            first = part.first
            numbers = None if part.groups is None else [group.number for group in part.groups]
            for rows in self._reader.batches(file, content, numbers):
                kept, indices = without(rows, first, gone)
                self._held.add(rows.nbytes)
                yield part.file, first, len(rows), kept, indices
                self._held.release(rows.nbytes)
                first += len(rows)
                self._tell(part.file, len(rows))

    def _fetched(self, parts: Sequence[Part]) -> Iterator[tuple[Part, bytes | None]]:
        """Small files with their content, the next of which are on their way."""
        waiting: deque[tuple[Part, Future[bytes | None]]] = deque()
        coming = iter(parts)
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
                        waiting.append((following, pool.submit(self._whole, following)))
                    if not waiting:
                        return
                    part, fetching = waiting.popleft()
                    yield part, fetching.result()
                    size -= self._fetched_bytes(part)
                    self._held.release(self._fetched_bytes(part))
            finally:
                for part, fetching in waiting:
                    fetching.cancel()
                    self._held.release(self._fetched_bytes(part))

    def _fetched_bytes(self, part: Part) -> int:
        """What is fetched of a file before it is read: all of a small one, or nothing."""
        size: int = self._files[part.file].file_size_in_bytes
        most = min(WHOLE_BYTES, self._ahead_bytes // 2)
        return size if part.groups is None and size <= most else 0

    def _whole(self, part: Part) -> bytes | None:
        path = self._files[part.file].file_path
        return whole(self._io, path) if self._fetched_bytes(part) else None


def _joined(chunks: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """From where to where to read: column chunks that follow one another at once."""
    begin = end = -1
    for at, size in chunks:
        if at != end:
            if end > begin:
                yield begin, end
            begin = at
        end = at + size
    if end > begin:
        yield begin, end
