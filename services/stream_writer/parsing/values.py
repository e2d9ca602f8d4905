"""How the text of one JSON value becomes the value of a column.

The rules, for every type: ``null`` is null. A spelling is accepted when no information is lost,
so a number may be written as a string and the reverse. What does not fit raises ``Misfit``: it
is never rounded, clipped or guessed. Source: the platform's landing rules; RFC 8259 for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from services.stream_writer.parsing.timestamps import PER_SECOND, iso_8601, unix_count
from shared.tables.spec import Column, TimeFormat, Type

Plain = str | int | bool | bytes | None
"""A value in the plainest spelling of its type: JSON as UTF-8 bytes, binary as the bytes that its
base64 stands for, decimals as ``12.30``, moments as ``2026-01-02T03:04:05.000006Z`` or units since
1970."""

INTEGER_RANGE = {Type.INT: (-(2**31), 2**31 - 1), Type.LONG: (-(2**63), 2**63 - 1)}

DECIMALS: Mapping[Type, tuple[int, int]] = MappingProxyType(
    {
        Type.DECIMAL_18_2: (18, 2),
        Type.DECIMAL_10_2: (10, 2),
        Type.DECIMAL_7_4: (7, 4),
        Type.DECIMAL_7_2: (7, 2),
        Type.DECIMAL_5_4: (5, 4),
        Type.DECIMAL_5_2: (5, 2),
        Type.DECIMAL_3_2: (3, 2),
    }
)
"""Digits of each decimal type, and how many of them stand behind the point."""

_NUMERAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?0*[0-9]{1,9})?")
_string = msgspec.json.Decoder(str).decode
_base64 = msgspec.json.Decoder(bytes).decode


class Misfit(Exception):
    """A value does not fit its column."""


def plain(column: Column, text: bytes) -> Plain:
    """The value of a column, from the text of one valid JSON value without surrounding space.

    Raises:
        Misfit: the value does not fit the column.
    """
    if text == b"null":
        return None
    if column.type is Type.JSON:
        return text
    if text[:1] in (b"{", b"["):
        raise Misfit
    quoted = text[:1] == b'"'
    scalar = _string(text) if quoted else text.decode()
    match column.type:
        case Type.STRING:
            return "0" if scalar == "-0" and not quoted else scalar
        case Type.BOOLEAN:
            return _boolean(scalar)
        case Type.INT | Type.LONG:
            return _integer(scalar, *INTEGER_RANGE[column.type])
        case decimal if decimal in DECIMALS:
            return _decimal(scalar, *DECIMALS[decimal])
        case Type.TIMESTAMP if column.time_format in PER_SECOND:
            count = _integer(scalar, *INTEGER_RANGE[Type.LONG])
            moment: Plain = unix_count(count, PER_SECOND[column.time_format])
        case Type.TIMESTAMP:
            utc = column.time_format is TimeFormat.ISO_8601_UTC
            moment = iso_8601(scalar, utc=utc) if quoted else None
        case Type.BINARY:
            return _bytes(text)
        case _:
            raise TypeError(f"column {column.name}: a payload has no {column.type.value} values")
    if moment is None:
        raise Misfit
    return moment


def _boolean(scalar: str) -> bool:
    if scalar not in ("true", "false"):
        raise Misfit
    return scalar == "true"


def _bytes(text: bytes) -> bytes:
    try:
        return _base64(text)
    except msgspec.ValidationError:
        raise Misfit from None


def _number(scalar: str) -> Decimal:
    if _NUMERAL.fullmatch(scalar) is None:
        raise Misfit
    return Decimal(scalar)


def _integer(scalar: str, low: int, high: int) -> int:
    number = _number(scalar)
    if not low <= number <= high or number != number.to_integral_value():
        raise Misfit
    return int(number)


def _decimal(scalar: str, digits: int, behind: int) -> str:
    number = _number(scalar)
    end = Decimal(10) ** (digits - behind)
    if not -end < number < end:
        raise Misfit
    written = number.quantize(Decimal(1).scaleb(-behind))
    if written != number:
        raise Misfit
    return str(written)
