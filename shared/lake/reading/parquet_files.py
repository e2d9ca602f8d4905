"""Parquet files of a table as lazy frames, over whichever way is cheaper for their size.

A small file in a store comes whole with one GET; of a large one polars' own reader asks for the
ranges of the columns that are used. Files on this machine are read in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlparse

import polars as pl
import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from shared.lake.reading.bounded_cache import BoundedCache
from shared.lake.reading.file_layout import FileLayout, file_layout

WHOLE_BYTES = 4 * 1024 * 1024
"""Files in a store up to this size are fetched whole."""

FETCHES = 8
"""Most requests to the store at once."""

KEPT_LAYOUTS = 20_000

_OPTIONS = {
    "s3.access-key-id": "aws_access_key_id",
    "s3.secret-access-key": "aws_secret_access_key",
    "s3.session-token": "aws_session_token",
    "s3.endpoint": "aws_endpoint_url",
    "s3.region": "aws_region",
}
_LAYOUTS: BoundedCache[FileLayout] = BoundedCache(KEPT_LAYOUTS, lambda _: 1)


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """One file, ready to be read.

    Attributes:
        path: as manifests name it.
        layout: of its columns.
        size: bytes of the whole file.
        whole: whether reading it means fetching all of it.
    """

    path: str
    layout: FileLayout
    size: int
    whole: bool
    _source: str | bytes
    _options: Mapping[str, str] | None

    def scan(self, row_index: str | None = None) -> pl.LazyFrame:
        """Its rows under its own column names, with their positions on demand (Int64)."""
        frame = pl.scan_parquet(
            self._source,
            glob=False,
            hive_partitioning=False,
            row_index_name=row_index,
            storage_options=None if self._options is None else dict(self._options),
            credential_provider=None,
        )
        return frame if row_index is None else frame.with_columns(pl.col(row_index).cast(pl.Int64))


def open_files(io: FileIO, files: Iterable[DataFile]) -> list[ParquetFile]:
    """Open files, in their order, several at once.

    Raises:
        OSError: the store does not answer, or lacks a file.
    """
    wanted = list(files)
    if len(wanted) < 2 or all(_local(each.file_path) is not None for each in wanted):
        return [_open(io, each) for each in wanted]
    with ThreadPoolExecutor(min(FETCHES, len(wanted)), "bergline-fetch") as pool:
        return list(pool.map(lambda each: _open(io, each), wanted))


def storage_options(io: FileIO) -> dict[str, str]:
    """What polars' reader needs to know of the S3 store that a FileIO reads from."""
    known = io.properties
    options = {ours: str(known[theirs]) for theirs, ours in _OPTIONS.items() if known.get(theirs)}
    if options.get("aws_endpoint_url", "").startswith("http://"):
        options["aws_allow_http"] = "true"
    return options


def _open(io: FileIO, file: DataFile) -> ParquetFile:
    path, size = file.file_path, file.file_size_in_bytes
    local = _local(path)
    if local is not None:
        layout = _LAYOUTS.get(path, lambda: file_layout(local))
        return ParquetFile(path, layout, size, False, local, None)
    if size > WHOLE_BYTES and path.startswith(("s3://", "s3a://")):
        return ParquetFile(
            path, _LAYOUTS.get(path, lambda: _footer(io, path)), size, False,
            path.replace("s3a://", "s3://", 1), storage_options(io),
        )  # fmt: skip
    with io.new_input(path).open(seekable=False) as stream:
        content = stream.read()
    layout = _LAYOUTS.get(path, lambda: file_layout(pa.BufferReader(content)))
    return ParquetFile(path, layout, size, True, content, None)


def _footer(io: FileIO, path: str) -> FileLayout:
    with io.new_input(path).open(seekable=True) as stream:
        return file_layout(stream)


def _local(path: str) -> str | None:
    parsed = urlparse(path)
    if parsed.scheme == "file":
        return parsed.path
    return path if parsed.scheme == "" else None
