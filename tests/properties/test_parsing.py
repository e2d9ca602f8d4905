"""The bulk path equals the strict reading, for every landing table and whatever arrives."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from services.stream_writer.parsing.columns import cast
from services.stream_writer.parsing.reference import Reading, read
from services.stream_writer.parsing.rows import Rows, parse
from shared.lake.schema import arrow_schema
from shared.tables.registry import landing_tables
from shared.tables.spec import Column, TableSpec, Type
from tests.properties.payloads import record_values
from tests.support.records import fetched

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

PARSED = [spec for spec in landing_tables() if spec.loading is None]
"""Tables whose rows are records themselves; those of files are read by their own loader."""

every_table = pytest.mark.parametrize("spec", PARSED, ids=lambda spec: spec.name)
hostile = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def rows_of(spec: TableSpec, values: Sequence[bytes | None]) -> Rows:
    return parse(spec, spec.topics[0], fetched(values), NOW)


def strictly(spec: TableSpec, values: Sequence[bytes | None]) -> dict[str, pa.Array]:
    """Columns as the strict reader alone would fill them."""
    readings = [read(spec.payload_columns, value) for value in values]
    arrays = {
        column.name: cast(column, [reading.values.get(column.name) for reading in readings])
        for column in spec.payload_columns
    }
    text = pa.large_string()
    arrays["_error"] = pa.array([reading.reason for reading in readings], text)
    arrays["_drift"] = pa.array([",".join(reading.drift) or None for reading in readings], text)
    return arrays


@every_table
@hostile
@given(data=st.data())
def test_bulk_equals_the_strict_reading(spec: TableSpec, data: st.DataObject) -> None:
    values = data.draw(st.lists(record_values(spec), max_size=40))
    rows = rows_of(spec, values)
    assert rows.table.schema.equals(arrow_schema(spec), check_metadata=True)
    rows.table.validate(full=True)
    for name, expected in strictly(spec, values).items():
        assert rows.table[name].combine_chunks().equals(expected), name


@every_table
@hostile
@given(data=st.data())
def test_a_record_says_the_same_alone_and_among_others(
    spec: TableSpec, data: st.DataObject
) -> None:
    values = data.draw(st.lists(record_values(spec), min_size=1, max_size=12))
    together = rows_of(spec, values)
    alone = [rows_of(spec, [value]) for value in values]
    columns = [name for name in together.table.schema.names if name != "_offset"]
    assert (
        together.table.select(columns)
        .combine_chunks()
        .equals(pa.concat_tables([rows.table for rows in alone]).select(columns).combine_chunks())
    )
    assert together.table["_offset"].to_pylist() == list(range(len(values)))
    assert [(bad.index, bad.reason) for bad in together.bad] == [
        (index, bad.reason) for index, rows in enumerate(alone) for bad in rows.bad
    ]
    assert together.drifted == sum(rows.drifted for rows in alone)


@every_table
@hostile
@given(data=st.data())
def test_the_value_is_kept_byte_for_byte(spec: TableSpec, data: st.DataObject) -> None:
    values = data.draw(st.lists(record_values(spec), max_size=40))
    table = rows_of(spec, values).table
    kept = [
        raw if text is None else text.encode()
        for text, raw in zip(
            table["_payload"].to_pylist(), table["_payload_bytes"].to_pylist(), strict=True
        )
    ]
    assert kept == values


class Number(str):
    """A JSON number, kept as it was written."""

    __slots__ = ()


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    json.dumps(pairs, ensure_ascii=False).encode()
    return dict(pairs)


def standard(value: bytes | str) -> Any:
    """JSON as the standard library reads it, numbers kept, what is no Unicode text refused."""
    text = value.decode() if isinstance(value, bytes) else value
    document = json.loads(
        text,
        parse_int=Number,
        parse_float=Number,
        parse_constant=_no_constant,
        object_pairs_hook=_members,
    )
    json.dumps(document, ensure_ascii=False).encode()
    return document


def found(document: Any, path: Sequence[str]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


@every_table
@hostile
@given(data=st.data())
def test_the_strict_reading_equals_the_standard_library(
    spec: TableSpec, data: st.DataObject
) -> None:
    value = data.draw(record_values(spec))
    reading = read(spec.payload_columns, value)
    assume(reading.reason != "too_deep")
    try:
        document = standard(value or b"")
    except (ValueError, RecursionError):
        assert reading.reason in {"empty_value", "not_utf8", "invalid_json"}
        return
    if not isinstance(document, dict):
        assert reading.reason == "not_an_object"
        return
    assert reading.reason is None
    for column in spec.payload_columns:
        _assert_same(column, found(document, column.path), reading)


def _assert_same(column: Column, source: Any, reading: Reading) -> None:
    value = reading.values.get(column.name)
    if column.name in reading.drift:
        assert value is None
        return
    if source is None:
        assert value is None
        return
    assert value is not None
    match column.type:
        case Type.JSON:
            assert isinstance(value, bytes)
            assert standard(value) == source
        case Type.BINARY:
            assert value == base64.b64decode(source, validate=True)
        case Type.STRING if isinstance(source, bool):
            assert value == json.dumps(source)
        case Type.STRING:
            assert value == ("0" if source == "-0" and isinstance(source, Number) else source)
        case Type.BOOLEAN:
            assert json.dumps(value) in (source, json.dumps(source))
        case Type.INT | Type.LONG | Type.DECIMAL_18_2 | Type.DECIMAL_5_4:
            assert Decimal(str(value)) == Decimal(source)
        case Type.TIMESTAMP if isinstance(value, int):
            assert value == Decimal(source)
        case Type.TIMESTAMP:
            assert datetime.fromisoformat(str(value)) == _moment(source)
        case _:
            raise AssertionError(column.type)


def _moment(text: str) -> datetime:
    """The moment as the standard library reads it; its fractions end at microseconds, too."""
    return datetime.fromisoformat(text.upper())


@every_table
@hostile
@given(data=st.data())
def test_what_orjson_reads_is_read_and_means_the_same(spec: TableSpec, data: st.DataObject) -> None:
    value = data.draw(record_values(spec))
    try:
        document = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return
    reading = read(spec.payload_columns, value)
    assert (reading.reason is None) == isinstance(document, dict)
    for column in spec.payload_columns:
        text = reading.values.get(column.name)
        if column.type is Type.JSON and isinstance(text, bytes):
            assert orjson.loads(text) == found(document, column.path)


@hostile
@given(data=st.data())
def test_what_is_there_is_in_its_column_or_named_never_neither(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from(PARSED))
    values = data.draw(st.lists(record_values(spec), min_size=1, max_size=20))
    rows = rows_of(spec, values)
    named = 0
    for value, row in zip(values, rows.table.to_pylist(), strict=True):
        drift = set(filter(None, (row["_drift"] or "").split(",")))
        named += bool(drift)
        held = {column.name for column in spec.payload_columns if row[column.name] is not None}
        assert not held & drift
        if row["_error"] is not None:
            assert not held | drift
            assert row["_payload"] is not None or row["_payload_bytes"] is not None or not value
            continue
        document = standard(value or b"")
        there = {column.name for column in spec.payload_columns if stands(document, column.path)}
        assert there == held | drift
    assert rows.drifted == named


def stands(document: Any, path: Sequence[str]) -> bool:
    """Whether something stands there, or in its way."""
    for key in path:
        if not isinstance(document, dict):
            return True
        document = document.get(key)
        if document is None:
            return False
    return True
