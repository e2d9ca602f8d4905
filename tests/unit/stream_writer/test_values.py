"""What one JSON value becomes in a column of each type."""

from __future__ import annotations

import pytest

from services.stream_writer.parsing.values import Misfit, Plain, plain
from shared.tables.spec import Column, TimeFormat, Type


def column(type_: Type, time_format: TimeFormat = TimeFormat.ISO_8601) -> Column:
    return Column("it", type_, 1, ("it",), time_format)


ISO = column(Type.TIMESTAMP)
ISO_UTC = column(Type.TIMESTAMP, TimeFormat.ISO_8601_UTC)
UNIX = column(Type.TIMESTAMP, TimeFormat.UNIX_SECONDS)
UNIX_MS = column(Type.TIMESTAMP, TimeFormat.UNIX_MILLISECONDS)
UNIX_US = column(Type.TIMESTAMP, TimeFormat.UNIX_MICROSECONDS)

FITS = [
    (Type.STRING, b'"a\\u00e9\\n"', "aé\n"),
    (Type.STRING, b'""', ""),
    (Type.STRING, b"17", "17"),
    (Type.STRING, b"1.10", "1.10"),
    (Type.STRING, b"-0", "0"),
    (Type.STRING, b'"-0"', "-0"),
    (Type.STRING, b"true", "true"),
    (Type.JSON, b'{"a": [1.10]}', b'{"a": [1.10]}'),
    (Type.JSON, b'"[1]"', b'"[1]"'),
    (Type.JSON, b"false", b"false"),
    (Type.LONG, b"9223372036854775807", 2**63 - 1),
    (Type.LONG, b'"42"', 42),
    (Type.LONG, b"5.0", 5),
    (Type.LONG, b"1e3", 1000),
    (Type.INT, b"-2147483648", -(2**31)),
    (Type.BOOLEAN, b"true", True),
    (Type.BOOLEAN, b'"false"', False),
    (Type.DECIMAL_18_2, b'"12.3"', "12.30"),
    (Type.DECIMAL_18_2, b"12.300", "12.30"),
    (Type.DECIMAL_18_2, b'"-9999999999999999.99"', "-9999999999999999.99"),
    (Type.DECIMAL_18_2, b"1234567890123456.78", "1234567890123456.78"),
    (Type.DECIMAL_5_4, b"0.2", "0.2000"),
    (Type.DECIMAL_5_4, b'"-9.9999"', "-9.9999"),
    (Type.DECIMAL_5_4, b"1.23e-2", "0.0123"),
    (Type.DECIMAL_7_2, b"99999.99", "99999.99"),
    (Type.BINARY, b'"/wBh"', b"\xff\x00a"),
    (Type.BINARY, b'""', b""),
]

MISFITS = [
    (Type.STRING, b"{}"),
    (Type.STRING, b"[]"),
    (Type.LONG, b"1.5"),
    (Type.LONG, b"9223372036854775808"),
    (Type.LONG, b"1e400"),
    (Type.LONG, b"1e-999999999"),
    (Type.LONG, b'""'),
    (Type.LONG, b'"1_0"'),
    (Type.LONG, b"true"),
    (Type.INT, b"2147483648"),
    (Type.BOOLEAN, b"1"),
    (Type.BOOLEAN, b'"TRUE"'),
    (Type.DECIMAL_18_2, b"12.305"),
    (Type.DECIMAL_18_2, b"0.1000000000000000055"),
    (Type.DECIMAL_18_2, b"10000000000000000"),
    (Type.DECIMAL_18_2, b"340282366920938463463374607431768223801"),
    (Type.DECIMAL_18_2, b'"12,30"'),
    (Type.DECIMAL_18_2, b'"NaN"'),
    (Type.DECIMAL_5_4, b"10"),
    (Type.DECIMAL_5_4, b"0.12345"),
    (Type.DECIMAL_7_2, b"100000"),
    (Type.BINARY, b'"/wB"'),
    (Type.BINARY, b'"_wBh"'),
    (Type.BINARY, b"5"),
]


@pytest.mark.parametrize(("type_", "text", "value"), FITS)
def test_a_value_fits_when_nothing_is_lost(type_: Type, text: bytes, value: Plain) -> None:
    assert plain(column(type_), text) == value


@pytest.mark.parametrize(("type_", "text"), MISFITS)
def test_what_would_lose_something_does_not_fit(type_: Type, text: bytes) -> None:
    with pytest.raises(Misfit):
        plain(column(type_), text)


@pytest.mark.parametrize("type_", Type)
def test_null_is_null_in_every_type(type_: Type) -> None:
    assert plain(column(type_), b"null") is None


def test_an_iso_moment_is_a_string() -> None:
    assert plain(ISO, b'"2026-01-02T03:04:05+02:00"') == "2026-01-02T01:04:05.000000Z"
    with pytest.raises(Misfit):
        plain(ISO, b"20260102")


def test_unix_seconds_are_whole_and_within_the_years_1_to_9999() -> None:
    assert plain(UNIX, b"1767323045") == 1_767_323_045
    assert plain(UNIX, b'"1767323045"') == 1_767_323_045
    for text in (b"1767323045.5", b"1767323045000", b"-62135596801", b'"2026-01-02T03:04:05Z"'):
        with pytest.raises(Misfit):
            plain(UNIX, text)


def test_only_a_vendor_that_says_so_means_utc_without_an_offset() -> None:
    assert plain(ISO_UTC, b'"2009-03-26 21:35:57"') == "2009-03-26T21:35:57.000000Z"
    assert plain(ISO_UTC, b'"2009-03-26T21:35:57+02:00"') == "2009-03-26T19:35:57.000000Z"
    with pytest.raises(Misfit):
        plain(ISO, b'"2009-03-26 21:35:57"')


def test_parts_of_seconds_are_counted_within_the_years_1_to_9999() -> None:
    assert plain(UNIX_MS, b"1699999999123") == 1_699_999_999_123
    assert plain(UNIX_US, b"1700000000000000") == 1_700_000_000_000_000
    assert plain(UNIX_MS, b"253402300799999") == 253_402_300_799_999
    assert plain(UNIX_US, b"-62135596800000000") == -62_135_596_800_000_000
    for unit, text in (
        (UNIX_MS, b"253402300800000"),
        (UNIX_MS, b"1700000000000000"),
        (UNIX_MS, b"1.5"),
        (UNIX_US, b"253402300800000000"),
        (UNIX_US, b"-62135596800000001"),
    ):
        with pytest.raises(Misfit):
            plain(unit, text)
