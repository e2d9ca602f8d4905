"""Records of one topic to rows of its landing table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from services.stream_writer.parsing.columns import build
from services.stream_writer.parsing.decoder import REFUSALS, ObjectDecoder, compile_decoder
from services.stream_writer.parsing.envelope import Drift, envelope_columns
from services.stream_writer.parsing.record import Record
from services.stream_writer.parsing.reference import read
from services.stream_writer.parsing.values import Plain
from shared.lake.schema import arrow_schema
from shared.tables.spec import Column, TableSpec

_TEXT = pa.large_string()


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


_plans: dict[str, _Plan] = {}


def parse(spec: TableSpec, topic: str, records: Sequence[Record], loaded_at: datetime) -> Rows:
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
    values = [record.value for record in records]
    drift: Drift = {}
    arrays = envelope_columns(topic, records, loaded_at, drift)
    arrays["_payload"], arrays["_payload_bytes"], refused = _payloads(values)
    decoded = _decode(plan.decoder, values, refused)
    readings = {row: read(plan.columns, values[row]) for row in refused}
    for row, odd in readings.items():
        if odd.drift:
            drift.setdefault(row, set()).update(odd.drift)
    for column, plains in decoded:
        for row in refused:
            plains[row] = readings[row].values.get(column.name)
        arrays[column.name] = build(column, plains, _Repair(column, values, drift))
    errors = {row: odd.reason for row, odd in readings.items() if odd.reason is not None}
    arrays["_error"] = _sparse(errors, len(values))
    drifted = {row: ",".join(sorted(names)) for row, names in drift.items()}
    arrays["_drift"] = _sparse(drifted, len(values))
    return Rows(
        pa.Table.from_arrays([arrays[name] for name in plan.schema.names], schema=plan.schema),
        [BadRecord(row, errors[row], readings[row].detail) for row in sorted(errors)],
        len(drift),
    )


@dataclass(frozen=True, slots=True)
class _Repair:
    """Reads one column of one row strictly; the bulk path is certain of the row's others."""

    column: Column
    values: list[bytes | None]
    drift: Drift

    def __call__(self, row: int) -> Plain:
        reading = read((self.column,), self.values[row])
        if reading.drift:
            self.drift.setdefault(row, set()).update(reading.drift)
        return reading.values.get(self.column.name)


def _decode(
    decoder: ObjectDecoder, values: list[bytes | None], refused: set[int]
) -> list[tuple[Column, list[Plain]]]:
    """Values of every payload column; rows that the decoder refuses are added to ``refused``."""
    objects = []
    decode, absent = decoder.decode, decoder.absent
    for row, value in enumerate(values):
        try:
            objects.append(decode(value or b""))
        except REFUSALS:
            objects.append(absent)
            refused.add(row)
    return list(decoder.columns(objects, refused))


def _sparse(texts: dict[int, str], rows: int) -> pa.Array:
    if not texts:
        return pa.nulls(rows, _TEXT)
    return pa.array([texts.get(row) for row in range(rows)], _TEXT)


def _plan(spec: TableSpec) -> _Plan:
    plan = _plans.get(spec.name)
    if plan is None or plan.spec is not spec:
        columns = spec.payload_columns
        plan = _Plan(spec, arrow_schema(spec), columns, compile_decoder(columns))
        _plans[spec.name] = plan
    return plan


def _payloads(values: list[bytes | None]) -> tuple[pa.Array, pa.Array, set[int]]:
    """Values as text, as bytes where they are not UTF-8, and the rows of the latter."""
    try:
        return pa.array(values, _TEXT), pa.nulls(len(values), pa.large_binary()), set()
    except pa.ArrowInvalid:
        bad = {row for row, value in enumerate(values) if value is not None and not _utf8(value)}
    texts = [None if row in bad else value for row, value in enumerate(values)]
    others = [value if row in bad else None for row, value in enumerate(values)]
    return pa.array(texts, _TEXT), pa.array(others, pa.large_binary()), bad


def _utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
