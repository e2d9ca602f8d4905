"""Rows of a file as rows of the table. Pure.

A row whose id can be told is an event. One that lacks a part of it is a row all the same, with
``_error`` and all that it holds in ``_payload``; its id is made of the latter, so that it is
inserted once, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.exports.file_values import fitted, json_of, value_of
from services.stream_writer.parsing.timestamps import EARLIEST_UNIX_SECOND, LATEST_UNIX_SECOND
from shared.contracts.envelope import read
from shared.lake.schema import arrow_schema
from shared.tables.spec import Column, Loading, TableSpec

_TEXT, _BYTES = pa.large_string(), pa.large_binary()
_MOMENT = pa.timestamp("us", tz="UTC")
_BETWEEN = pa.scalar("|", _TEXT)
_BAD = b"row with an error\n"


@dataclass(frozen=True, slots=True)
class Announced:
    """The announcement that rows come from, as their columns have it.

    Attributes:
        topic: logical topic.
        record: the record.
        uri: of the file; ``None`` when the record does not say.
        loaded_at: the one stamp of all rows, timezone-aware.
    """

    topic: str
    record: Any
    uri: str | None
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Identified:
    """Ids of the rows of a batch.

    Attributes:
        ids: SHA-256, 32 bytes each, in the order of the rows.
        moments: the times that tell where the table may hold the same rows, as it holds them: a
            bad row has one, too, unless that is what it lacks.
        bad: rows that lack a part of their id, and why, as a stable word.
    """

    ids: list[bytes]
    moments: pa.Array
    bad: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows of a batch, ready for the table."""

    table: pa.Table
    bad: int
    drifted: int


def loading_of(spec: TableSpec) -> Loading:
    """How a table takes in files.

    Raises:
        TypeError: it does not.
    """
    if spec.loading is None:
        raise TypeError(f"table {spec.name} takes in no files")
    return spec.loading


def identify(spec: TableSpec, batch: pa.RecordBatch) -> Identified:
    """The ids of a batch's rows.

    Args:
        spec: the table.
        batch: all columns of the file, or only those of the identity when no row lacks a part.
    """
    loading = loading_of(spec)
    parts: list[pa.Array] = []
    bad: dict[int, str] = {}
    for name in loading.identity:
        values, misfits = fitted(spec.column(name), batch.column(name))
        for row in misfits:
            bad.setdefault(row, f"unfit_{name}")
        if values.null_count:
            for row in pc.indices_nonzero(values.is_null()).to_pylist():
                bad.setdefault(row, f"missing_{name}")
        parts.append(values)
    moments = parts[loading.identity.index(loading.event_time)]
    texts = pc.binary_join_element_wise(*(part.cast(_TEXT) for part in parts), _BETWEEN)
    sha256 = hashlib.sha256
    plain = texts.cast(_BYTES).to_pylist()
    if not bad:
        return Identified([sha256(text).digest() for text in plain], moments, bad)
    ids = [
        sha256(_BAD + _whole_row(batch, row)).digest() if row in bad else sha256(text).digest()
        for row, text in enumerate(plain)
    ]
    return Identified(ids, moments, bad)


def rows(spec: TableSpec, announced: Announced, batch: pa.RecordBatch) -> FileRows:
    """Rows of the table from a batch with all columns of the file."""
    loading, count = loading_of(spec), batch.num_rows
    identified = identify(spec, batch)
    drift: dict[int, set[str]] = {}
    columns = {}
    for column in spec.payload_columns:
        columns[column.name], misfits = fitted(column, batch.column(column.name))
        for row in misfits:
            drift.setdefault(row, set()).add(column.name)
    columns["_event_type"] = columns[loading.event_type]
    columns["_event_time"] = _moments(columns[loading.event_time], drift)
    columns["_raw_id"] = pa.array([one.hex() for one in identified.ids], _TEXT)
    columns["_error"] = _sparse(identified.bad, count)
    columns["_drift"] = _sparse(
        {row: ",".join(sorted(names)) for row, names in drift.items()}, count
    )
    told = {*identified.bad, *drift, *_with_more(spec, batch)}
    columns["_payload"] = _sparse(
        {row: _whole_row(batch, row).decode() for row in sorted(told)}, count
    )
    return FileRows(_table(spec, announced, columns, count), len(identified.bad), len(drift))


def refusal(spec: TableSpec, announced: Announced, reason: str) -> pa.Table:
    """The one row of an announcement whose file cannot be loaded."""
    headers = read(announced.record.headers or ())
    value = announced.record.value
    columns: dict[str, object] = {
        "_event_id": headers.get("ce_id"),
        "_event_type": headers.get("ce_type"),
        "_error": reason,
    }
    try:
        columns["_payload"] = None if value is None else value.decode()
    except UnicodeDecodeError:
        columns["_payload_bytes"] = value
    schema = arrow_schema(spec)
    arrays = {name: pa.array([value], schema.field(name).type) for name, value in columns.items()}
    return _table(spec, announced, arrays, 1)


def _table(
    spec: TableSpec, announced: Announced, columns: Mapping[str, pa.Array], count: int
) -> pa.Table:
    """All columns: those given, what all rows have of their announcement, and nulls."""
    record, schema = announced.record, arrow_schema(spec)
    headers = read(record.headers or ())
    milliseconds = record.timestamp
    alike = {
        "_topic": announced.topic,
        "_partition": record.partition,
        "_offset": record.offset,
        "_delivery_id": headers.get("delivery_id"),
        "_received_at": _moment(headers.get("received_at")),
        "_loaded_at": announced.loaded_at.astimezone(UTC),
        "_source": loading_of(spec).source,
        "_replayed": False,
        "_key": None if record.key is None else record.key.decode("utf-8", "replace"),
        "_timestamp": None
        if milliseconds is None or milliseconds < 0
        else datetime.fromtimestamp(milliseconds / 1000, UTC),
        "_source_file": announced.uri,
    }
    arrays = []
    for field in schema:
        if field.name in columns:
            arrays.append(columns[field.name])
        else:
            arrays.append(pa.repeat(pa.scalar(alike.get(field.name), field.type), count))
    return pa.Table.from_arrays(arrays, schema=schema)


def _moments(microseconds: pa.Array, drift: dict[int, set[str]]) -> pa.Array:
    within = pc.and_(
        pc.greater_equal(microseconds, EARLIEST_UNIX_SECOND * 1_000_000),
        pc.less(microseconds, (LATEST_UNIX_SECOND + 1) * 1_000_000),
    )
    if not pc.all(within, min_count=0).as_py():
        for row in pc.indices_nonzero(pc.invert(within)).to_pylist():
            drift.setdefault(row, set()).add("_event_time")
        microseconds = pc.if_else(within, microseconds, pa.scalar(None, pa.int64()))
    return microseconds.cast(_MOMENT)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = None if text is None else datetime.fromisoformat(text)
        return None if moment is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _with_more(spec: TableSpec, batch: pa.RecordBatch) -> Sequence[int]:
    """Rows that have a value in a column that the table has not."""
    known = {column.name for column in spec.payload_columns}
    found: set[int] = set()
    for name in batch.schema.names:
        if name not in known:
            found.update(pc.indices_nonzero(batch.column(name).is_valid()).to_pylist())
    return sorted(found)


def _whole_row(batch: pa.RecordBatch, row: int) -> bytes:
    return json_of({name: value_of(batch.column(name)[row]) for name in batch.schema.names})


def _sparse(texts: Mapping[int, str], count: int) -> pa.Array:
    if not texts:
        return pa.nulls(count, _TEXT)
    return pa.array([texts.get(row) for row in range(count)], _TEXT)


def declared(spec: TableSpec) -> tuple[Column, ...]:
    """The columns that a file must have."""
    return spec.payload_columns
