"""Parquet files of a table as lazy frames: all files of one layout together.

One scan of many files costs half of many scans. polars' own reader asks the store for the footers
and the ranges of the columns that are used, several at once; on the embedded storage that is
cheaper than whole files by PyIceberg's FileIO, for files of 50 kB (60 of them, 26 columns: 85 ms
of CPU instead of 137) as for those of 3 MB (203 instead of 261; two columns: 23 instead of 103).
Stores that polars is not told the way to are read by FileIO.
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

ROW = "_row"
"""Number of a row among those of its batch (polars' index type)."""

BATCH_ROWS = 2**31

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
    found = [_batch(columns, part, columns.types, None) for part in _parts(plain, apart)]
    kinds: dict[str, tuple[list[DataFile], pl.Schema, list[pl.Expr]]] = {}
    for file, layout in zip(asked, file_layouts(columns.table.io, asked), strict=True):
        names = columns.names_in(file, layout)
        constants = columns.constants_in(file, names)
        types = pl.Schema({own: layout.types[own] for own in names.values()})
        chosen = columns.expressions(names, layout, constants)
        kinds.setdefault(repr((names, constants, types)), ([], types, chosen))[0].append(file)
    for alike, types, chosen in kinds.values():
        found += [_batch(columns, part, types, chosen) for part in _parts(alike, apart)]
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
    columns: Columns, files: Sequence[DataFile], types: pl.Schema, chosen: list[pl.Expr] | None
) -> Batch:
    io = columns.table.io
    starts = [0]
    for file in files[:-1]:
        starts.append(starts[-1] + file.record_count)
    paths = [file.file_path for file in files]
    remote = urlparse(paths[0]).scheme in ("s3", "s3a", "s3n")
    frame = pl.scan_parquet(
        _sources(io, paths),
        glob=False,
        hive_partitioning=False,
        schema=types,
        extra_columns="ignore",
        row_index_name=ROW,
        storage_options=storage_options(io) if remote else None,
        credential_provider=None,
    )
    names = [pl.col(name) for name in types] if chosen is None else chosen
    return Batch(files, starts, frame.select([*names, ROW]))


def _sources(io: FileIO, paths: Sequence[str]) -> list[str] | list[bytes]:
    parsed = [urlparse(path) for path in paths]
    schemes = {each.scheme for each in parsed}
    if schemes <= {"file", ""}:
        return [each.path for each in parsed]
    if schemes <= {"s3", "s3a", "s3n"}:
        return ["s3://" + path.partition("://")[2] for path in paths]
    with ThreadPoolExecutor(min(FETCHES, len(paths)), "bergline-fetch") as pool:
        return list(pool.map(lambda path: _whole(io, path), paths))


def _whole(io: FileIO, path: str) -> bytes:
    with io.new_input(path).open(seekable=False) as stream:
        return stream.read()
