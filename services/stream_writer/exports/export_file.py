"""A Parquet file that is read a few rows at a time, whatever its size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileType

from services.stream_writer.exports.bad_export import BadExport
from services.stream_writer.exports.file_rows import declared
from shared.lake.file_io import DelayedOpenFileIO
from shared.runtime.export_places import NotAllowed, Place, fingerprint, opened
from shared.tables.spec import TableSpec

MOST_ROWS = 8192
"""Rows that are read at a time, at most."""
WIDTH = 512
"""Bytes that a row takes in memory, at least: values that repeat are written once in a file."""
_READ_BYTES = 2**20
_STORE = ("AWS Error", "curlCode", "HTTP status", "Network")
"""What errors of an object store have in their text; damaged files have others."""
_DENIED = ("ACCESS_DENIED", "NO_SUCH_BUCKET", "HTTP status 403")


class ExportFile:
    """An open file; made by :func:`open_export`, used by one thread."""

    def __init__(
        self, parquet: pq.ParquetFile, memory_bytes: int, is_unchanged: Callable[[], bool]
    ) -> None:
        self._parquet = parquet
        self._memory_bytes = memory_bytes
        self._is_unchanged = is_unchanged
        self.columns: list[str] = parquet.schema_arrow.names
        self.rows: int = parquet.metadata.num_rows
        self.groups: int = parquet.num_row_groups

    def rows_in(self, group: int) -> int:
        """Rows of a row group."""
        return int(self._parquet.metadata.row_group(group).num_rows)

    def nulls_in(self, name: str) -> int | None:
        """Nulls of a column in the whole file; ``None`` when the file does not tell."""
        metadata = self._parquet.metadata
        at = self._parquet.schema_arrow.names.index(name)
        if metadata.num_columns != len(self.columns):
            return None  # nested columns: leaves are counted otherwise
        total: int = 0
        for group in range(self.groups):
            told: Any = metadata.row_group(group).column(at).statistics
            if told is None or not told.has_null_count:
                return None
            total += int(told.null_count)
        return total

    def batches(self, group: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Rows of a row group in their order.

        Raises:
            BadExport: the file is damaged.
            OSError: it cannot be read now.
        """
        with reading():
            yield from self._parquet.iter_batches(
                batch_size=self._rows_at_a_time(group),
                row_groups=[group],
                columns=None if columns is None else list(columns),
                use_threads=False,
            )

    def require_unchanged(self) -> None:
        """Let pass a file that is as it was when it was opened.

        Raises:
            BadExport: somebody wrote to it or removed it while it was read.
            OSError: the store does not answer.
        """
        with reading():
            unchanged = self._is_unchanged()
        if not unchanged:
            raise BadExport("changed", "the file was changed while it was read: announce it again")

    def _rows_at_a_time(self, group: int) -> int:
        metadata: Any = self._parquet.metadata.row_group(group)
        width = int(metadata.total_byte_size) // max(1, int(metadata.num_rows))
        return max(1, min(MOST_ROWS, self._memory_bytes // (8 * max(WIDTH, width))))


@contextmanager
def open_export(
    place: Place, objects: DelayedOpenFileIO, spec: TableSpec, *, memory_bytes: int, max_bytes: int
) -> Iterator[ExportFile]:
    """Open a file that has the columns that the table declares.

    Args:
        place: where it is.
        objects: the way to the store, for objects.
        spec: the table.
        memory_bytes: about how much of it is in memory at most.
        max_bytes: largest file that is loaded.

    Raises:
        BadExport: it is not there, too large, no Parquet, or lacks columns.
        OSError: it cannot be read now.
    """
    with ExitStack() as stack:
        with reading():
            source, size, is_unchanged = _source(place, objects, stack)
        if size > max_bytes:
            raise BadExport(
                "too_large", f"the file has {size} bytes, more than the {max_bytes} allowed"
            )
        with reading():
            parquet = stack.enter_context(
                pq.ParquetFile(
                    source, buffer_size=min(_READ_BYTES, memory_bytes // 64), pre_buffer=False
                )
            )
        _require_columns(spec, parquet.schema_arrow.names)
        yield ExportFile(parquet, memory_bytes, is_unchanged)


@contextmanager
def reading() -> Iterator[None]:
    """What goes wrong with a file, told apart: what is the file's fault, and what may pass."""
    try:
        yield
    except NotAllowed as error:
        raise BadExport("not_allowed", str(error)) from None
    except FileNotFoundError:
        raise BadExport("not_found", "there is no such file") from None
    except PermissionError:
        raise BadExport("not_readable", "stream_writer may not read the file") from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError) as error:
        raise BadExport("not_parquet", _brief(error)) from None
    except OSError as error:
        text = str(error)
        if any(word in text for word in _DENIED):
            raise BadExport(
                "not_readable", "the store does not let stream_writer read it"
            ) from None
        if error.errno is not None or any(word in text for word in _STORE):
            raise
        raise BadExport("not_parquet", _brief(error)) from None


def _source(
    place: Place, objects: DelayedOpenFileIO, stack: ExitStack
) -> tuple[Any, int, Callable[[], bool]]:
    if place.is_local:
        descriptor = stack.enter_context(opened(place))
        found = os.fstat(descriptor)
        file = stack.enter_context(os.fdopen(os.dup(descriptor), "rb"))
        source = stack.enter_context(pa.PythonFile(file, "r"))
        as_it_was = fingerprint(found)
        return source, found.st_size, lambda: fingerprint(os.fstat(descriptor)) == as_it_was
    size, _ = version = _version(place, objects)
    source = stack.enter_context(objects.new_input(place.uri).open())
    return source, size, lambda: _version(place, objects) == version


def _version(place: Place, objects: DelayedOpenFileIO) -> tuple[int, int | None]:
    """Size of an object and when it was written, which change with it."""
    scheme, bucket, path = objects.parse_location(place.uri)
    found = objects.fs_by_scheme(scheme, bucket).get_file_info(path)
    if found.type != FileType.File:
        raise FileNotFoundError(place.uri)
    return found.size, found.mtime_ns


def _require_columns(spec: TableSpec, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadExport("ambiguous_columns", "the file has columns of the same name")
    missing = [column.name for column in declared(spec) if column.name not in names]
    if missing:
        raise BadExport("missing_columns", f"the file has no column {', '.join(missing)}")


def _brief(error: Exception) -> str:
    """One line, without values of the file: what Arrow says of a damaged page may show some."""
    return f"the file cannot be read as Parquet ({type(error).__name__})"
