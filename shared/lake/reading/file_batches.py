"""Parquet files of a table as lazy frames: all files of one layout together.

One scan of many files costs half of many scans. polars' own reader asks the store for the footers
and the ranges of the columns that are used, several at once; on the embedded storage that is
cheaper than whole files by PyIceberg's FileIO, for files of 50 kB (60 of them, 26 columns: 85 ms
of CPU instead of 137) as for those of 3 MB (203 instead of 261; two columns: 23 instead of 103).
Stores that polars is not told the way to are read by FileIO, and so are few small files, because
they are kept (:mod:`~shared.lake.reading.small_files`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlparse

import polars as pl
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from shared.lake.reading.columns import Columns
from shared.lake.reading.file_layout import FETCHES, file_layouts
from shared.lake.reading.small_files import contents, whole

ROW = "_row"
"""Number of a row among those of its batch (polars' index type)."""

BATCH_ROWS = 2**31

_LOCAL = frozenset({"file", ""})
_S3 = frozenset({"s3", "s3a", "s3n"})

_OPTIONS = {
    "s3.access-key-id": "aws_access_key_id",
    "s3.secret-access-key": "aws_secret_access_key",
    "s3.session-token": "aws_session_token",
    "s3.endpoint": "aws_endpoint_url",
    "s3.region": "aws_region",
}
_SECRETS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that are read together.

    Attributes:
        files: in the order of their rows.
        starts: the number of the first row of each.
        rows: the columns wanted, and :data:`ROW`.
    """

    files: Sequence[DataFile]
    starts: Sequence[int]
    rows: pl.LazyFrame


def batches(
    columns: Columns, files: Iterable[DataFile], *, apart: bool, ask: bool = False
) -> list[Batch]:
    """Files with their columns under their present names and types.

    Args:
        columns: those wanted.
        files: to be read.
        apart: a file of several row groups gets a batch of its own.
        ask: every file is asked for its columns, whatever its manifest says.

    Raises:
        Refused: a file has no field ids, and the table has no name mapping.
        OSError: the store does not answer, or lacks a file.
    """
    plain: list[DataFile] = []
    asked: list[DataFile] = []
    for file in files:
        (plain if not ask and columns.named_as_now(file) else asked).append(file)
    found = _of_layout(columns, plain, columns.types, None, apart)
    kinds: dict[str, tuple[list[DataFile], pl.Schema, list[pl.Expr]]] = {}
    for file, layout in zip(asked, file_layouts(columns.table.io, asked), strict=True):
        names = columns.names_in(file, layout)
        constants = columns.constants_in(file, names)
        types = pl.Schema({own: layout.types[own] for own in names.values()})
        chosen = columns.expressions(names, layout, constants)
        kinds.setdefault(repr((names, constants, types)), ([], types, chosen))[0].append(file)
    for alike, types, chosen in kinds.values():
        found += _of_layout(columns, alike, types, chosen, apart)
    return found


def _of_layout(
    columns: Columns,
    files: Sequence[DataFile],
    types: pl.Schema,
    chosen: list[pl.Expr] | None,
    apart: bool,
) -> list[Batch]:
    """Files of one layout: those whose contents are here, and those that polars fetches."""
    io = columns.table.io
    remote = [file for file in files if _scheme(file.file_path) not in _LOCAL]
    here = contents(io, remote) if remote else {}
    found = []
    for part in _parts([file for file in files if file.file_path in here], apart):
        sources = [here[file.file_path] for file in part]
        found.append(_batch(part, sources, types, chosen, None))
    for part in _parts([file for file in files if file.file_path not in here], apart):
        paths = [file.file_path for file in part]
        options = storage_options(io) if _scheme(paths[0]) in _S3 else None
        found.append(_batch(part, _sources(io, paths), types, chosen, options))
    return found


def storage_options(io: FileIO) -> dict[str, str]:
    """What polars' reader needs to know of the S3 store that a FileIO reads from."""
    known = io.properties
    options = {ours: str(known[theirs]) for theirs, ours in _OPTIONS.items() if known.get(theirs)}
    if options.get("aws_endpoint_url", "").startswith("http://"):
        options["aws_allow_http"] = "true"
    return options


def without_secrets(io: FileIO, text: str) -> str:
    """A store's message as it may be shown: some stores repeat what they were given."""
    for name, value in storage_options(io).items():
        if name in _SECRETS:
            text = text.replace(value, "***")
    return text


def _parts(files: Iterable[DataFile], apart: bool) -> list[list[DataFile]]:
    parts: list[list[DataFile]] = []
    rows = BATCH_ROWS
    alone = True
    for file in files:
        own = apart and len(file.split_offsets or ()) > 1
        if alone or own or rows + file.record_count > BATCH_ROWS:
            parts.append([])
            rows = 0
        parts[-1].append(file)
        rows += file.record_count
        alone = own
    return parts


def _batch(
    files: Sequence[DataFile],
    sources: list[str] | list[bytes],
    types: pl.Schema,
    chosen: list[pl.Expr] | None,
    options: dict[str, str] | None,
) -> Batch:
    starts = [0]
    for file in files[:-1]:
        starts.append(starts[-1] + file.record_count)
    frame = pl.scan_parquet(
        sources,
        glob=False,
        hive_partitioning=False,
        schema=types,
        extra_columns="ignore",
        row_index_name=ROW,
        storage_options=options,
        credential_provider=None,
    )
    names = [pl.col(name) for name in types] if chosen is None else chosen
    return Batch(files, starts, frame.select([*names, ROW]))


def _scheme(path: str) -> str:
    return urlparse(path).scheme


def _sources(io: FileIO, paths: Sequence[str]) -> list[str] | list[bytes]:
    schemes = {_scheme(path) for path in paths}
    if schemes <= _LOCAL:
        return [urlparse(path).path for path in paths]
    if schemes <= _S3:
        return ["s3://" + path.partition("://")[2] for path in paths]
    with ThreadPoolExecutor(min(FETCHES, len(paths)), "bergline-fetch") as pool:
        return list(pool.map(lambda path: whole(io, path), paths))
