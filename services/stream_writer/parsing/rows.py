"""Records of one topic to rows of its landing table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from services.stream_writer.parsing.columns import absent, build
from services.stream_writer.parsing.decoder import ObjectDecoder, compile_decoder, decode_each
from services.stream_writer.parsing.envelope import Drift, envelope_columns
from services.stream_writer.parsing.record import Record
from services.stream_writer.parsing.reference import read
from services.stream_writer.parsing.values import Plain
from services.stream_writer.record_batches.record_columns import RecordColumns, record_columns
from shared.lake.schema import arrow_schema
from shared.tables.spec import Column, TableSpec

_TEXT = pa.large_string()

BLOCK_ROWS = 400
"""Rows whose values exist as Python objects at a time."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be parsed. It is a row all the same.

    Attributes:
        index: its row, which is its place among the records.
        reason: stable word: ``empty_value``, ``not_utf8``, ``invalid_json``, ``not_an_object`` or
            ``too_deep``.
        detail: for humans; holds no value of the payload.
    """

    index: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What a sequence of records says.

    Attributes:
        table: one row per record, in order, with the Arrow schema of the landing table.
        bad: the records that could not be parsed, by row.
        drifted: number of rows with a value that did not fit its column.
    """

    table: pa.Table
    bad: list[BadRecord]
    drifted: int


@dataclass(frozen=True, slots=True)
class _Plan:
    spec: TableSpec
    schema: pa.Schema
    columns: tuple[Column, ...]
    decoder: ObjectDecoder
    decoded: tuple[Column, ...]
    """The columns in the order in which the decoder gives them."""


_plans: dict[str, _Plan] = {}


def parse(
    spec: TableSpec, topic: str, records: RecordColumns | Sequence[Record], loaded_at: datetime
) -> Rows:
    """Parse records to rows of a landing table; never raises for what a record contains.

    A record that is not a JSON object in UTF-8 becomes a row with ``_error``, its payload kept,
    its typed columns null. A value that does not fit its column is null and named in ``_drift``.

    Args:
        spec: the landing table.
        topic: logical topic of the records.
        records: of any partitions, in the order wanted.
        loaded_at: timezone-aware.
    """
    plan = _plan(spec)
    columns = records if isinstance(records, RecordColumns) else record_columns(records)
    drift: Drift = {}
    arrays = envelope_columns(topic, columns, loaded_at, drift)
    arrays["_payload"], arrays["_payload_bytes"], no_text = _payloads(columns.value)
    blocks = [
        _block(plan, columns.value.slice(first, BLOCK_ROWS).to_pylist(), first, no_text, drift)
        for first in range(0, max(1, len(columns)), BLOCK_ROWS)
    ]
    for number, column in enumerate(plan.decoded):
        type_ = plan.schema.field(column.name).type
        arrays[column.name] = _joined(type_, [(of.arrays[number], of.rows) for of in blocks])
    bad = [record for block in blocks for record in block.bad]
    arrays["_error"] = _sparse({record.index: record.reason for record in bad}, len(columns))
    drifted = {row: ",".join(sorted(names)) for row, names in drift.items()}
    arrays["_drift"] = _sparse(drifted, len(columns))
    return Rows(
        pa.Table.from_arrays([arrays[name] for name in plan.schema.names], schema=plan.schema),
        bad,
        len(drift),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """Payload columns of some rows: few enough that their values are still in the processor's
    cache when they become columns."""

    arrays: list[pa.Array | None]
    """In the order of ``_Plan.decoded``; ``None`` for a column that is null in all rows."""
    rows: int
    bad: list[BadRecord]


def _block(
    plan: _Plan, values: list[bytes | None], first: int, no_text: set[int], drift: Drift
) -> _Block:
    refused = {row - first for row in no_text if first <= row < first + len(values)}
    decoded = _decode(plan.decoder, values, refused)
    readings = {row: read(plan.columns, values[row]) for row in sorted(refused)}
    for row, odd in readings.items():
        if odd.drift:
            drift.setdefault(first + row, set()).update(odd.drift)
    arrays = []
    for column, plains in decoded:
        if refused:
            plains = list(plains)
            for row, odd in readings.items():
                plains[row] = odd.values.get(column.name)
        repair = _Repair(column, values, first, drift)
        arrays.append(None if absent(plains) else build(column, plains, repair))
    bad = [
        BadRecord(first + row, odd.reason, odd.detail)
        for row, odd in readings.items()
        if odd.reason is not None
    ]
    return _Block(arrays, len(values), bad)


@dataclass(frozen=True, slots=True)
class _Repair:
    """Reads one column of one row strictly; the bulk path is certain of the row's others."""

    column: Column
    values: list[bytes | None]
    first: int
    drift: Drift

    def __call__(self, row: int) -> Plain:
        reading = read((self.column,), self.values[row])
        if reading.drift:
            self.drift.setdefault(self.first + row, set()).update(reading.drift)
        return reading.values.get(self.column.name)


def _decode(
    decoder: ObjectDecoder, values: Sequence[bytes | None], refused: set[int]
) -> list[tuple[Column, Sequence[Plain]]]:
    """Values of every payload column; rows that the decoder refuses are added to ``refused``."""
    texts: Sequence[bytes] = [value or b"" for value in values]
    return list(decoder.columns(decode_each(decoder, texts, refused), refused))


def _joined(
    type_: pa.DataType, parts: Sequence[tuple[pa.Array | None, int]]
) -> pa.Array | pa.ChunkedArray:
    """A column of parts; of an absent one only the number of rows is known."""
    if all(part is None for part, _ in parts):
        return pa.nulls(sum(rows for _, rows in parts), type_)
    return pa.chunked_array(
        [pa.nulls(rows, type_) if part is None else part for part, rows in parts]
    )


def _sparse(texts: dict[int, str], rows: int) -> pa.Array:
    if not texts:
        return pa.nulls(rows, _TEXT)
    return pa.array([texts.get(row) for row in range(rows)], _TEXT)


def _plan(spec: TableSpec) -> _Plan:
    plan = _plans.get(spec.name)
    if plan is None or plan.spec is not spec:
        columns = spec.payload_columns
        decoder = compile_decoder(columns)
        decoded = tuple(column for column, _ in decoder.columns([], set()))
        plan = _Plan(spec, arrow_schema(spec), columns, decoder, decoded)
        _plans[spec.name] = plan
    return plan


def _payloads(
    values: pa.LargeBinaryArray,
) -> tuple[pa.LargeStringArray, pa.LargeBinaryArray, set[int]]:
    """Values as text, as bytes where they are not UTF-8, and the rows of the latter."""
    try:
        return values.cast(_TEXT), pa.nulls(len(values), pa.large_binary()), set()
    except pa.ArrowInvalid:
        plain = values.to_pylist()
    bad = {row for row, value in enumerate(plain) if value is not None and not _utf8(value)}
    texts = [None if row in bad else value for row, value in enumerate(plain)]
    others = [value if row in bad else None for row, value in enumerate(plain)]
    return pa.array(texts, _TEXT), pa.array(others, pa.large_binary()), bad


def _utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
