"""Every odd spelling, one at a time: what the bulk path accepts, the strict rule accepts alike."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pyarrow as pa
import pytest

from services.stream_writer.parsing.columns import cast
from services.stream_writer.parsing.decoder import REFUSALS, compile_decoder
from services.stream_writer.parsing.reference import read
from services.stream_writer.parsing.values import DECIMALS
from shared.tables.spec import Column, TimeFormat, Type
from tests.properties.payloads import (
    DATES,
    FRACTIONS,
    NO_NUMBERS,
    NUMERALS,
    OFFSETS,
    TEXTS,
    TIMES,
)

COLUMNS = [
    *(
        Column("it", type_, 1, ("it",))
        for type_ in (Type.STRING, Type.INT, Type.LONG, Type.BOOLEAN, *DECIMALS, Type.JSON)
    ),
    *(Column("it", Type.TIMESTAMP, 1, ("it",), time_format) for time_format in TimeFormat),
]


MOMENTS = ["".join(parts) for parts in itertools.product(DATES, "T ", TIMES, FRACTIONS, OFFSETS)]
NOT_ALL = 37
"""To columns of other types any moment is a text as another: they see every so many."""


def spellings(column: Column) -> Iterator[str]:
    """JSON texts: numbers, the same as strings, almost numbers, moments, words, composites."""
    yield from ("null", "true", "false", "{}", "[]", ' { "a" : [ 1 , "\\u00e9" ] } ')
    yield from NUMERALS
    for text in (*NUMERALS, *NO_NUMBERS, *TEXTS):
        yield json.dumps(text)
        yield json.dumps(text, ensure_ascii=False)
    for sign, digits, exponent in itertools.product(
        ("", "+", "-"),
        ("0", "7", "1.25", ".5", "2.", "0000000000000000000000.10"),
        ("", "e1", "E-1"),
    ):
        yield json.dumps(sign + digits + exponent)
    for moment in MOMENTS if column.type is Type.TIMESTAMP else MOMENTS[::NOT_ALL]:
        yield json.dumps(moment)
    yield json.dumps("2026-01-02t03:04:05Z")


@pytest.mark.parametrize(
    "column", COLUMNS, ids=lambda column: f"{column.type.value}, {column.time_format.value}"
)
def test_what_bulk_accepts_is_what_the_strict_rule_says(column: Column) -> None:
    decoder = compile_decoder([column])
    accepted = 0
    for spelling in dict.fromkeys(spellings(column)):
        payload = f'{{"it":{spelling}}}'.encode()
        try:
            [(_, values)] = decoder.columns([decoder.decode(payload)], set())
            bulk = cast(column, values)
        except (*REFUSALS, pa.ArrowInvalid):
            continue
        strict = read((column,), payload)
        assert strict.reason is None, spelling
        assert not strict.drift, spelling
        assert bulk.equals(cast(column, [strict.values.get("it")])), spelling
        accepted += 1
    assert accepted > 1, "nothing but null was accepted: the bulk path does no work"
