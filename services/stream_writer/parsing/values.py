"""How the text of one JSON value becomes the value of a column.

The rules, for every type: ``null`` is null. A spelling is accepted when no information is lost,
so a number may be written as a string and the reverse. What does not fit raises ``Misfit``: it
is never rounded, clipped or guessed. Source: the platform's landing rules; RFC 8259 for JSON.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from services.stream_writer.parsing.timestamps import iso_8601, unix_seconds
from shared.tables.spec import Column, TimeFormat, Type

Plain = str | int | bool | bytes | None
"""A value in the plainest spelling of its type: JSON as UTF-8 bytes, decimals as ``12.30``,
moments as ``2026-01-02T03:04:05.000006Z`` or unix seconds."""

INTEGER_RANGE = {Type.INT: (-(2**31), 2**31 - 1), Type.LONG: (-(2**63), 2**63 - 1)}

_NUMERAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?0*[0-9]{1,9})?")
_CENT = Decimal("0.01")
_DECIMAL_18_2_END = Decimal(10) ** 16
_string = msgspec.json.Decoder(str).decode


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
        case Type.DECIMAL_18_2:
            return _decimal_18_2(scalar)
        case Type.TIMESTAMP if column.time_format is TimeFormat.ISO_8601:
            moment: Plain = iso_8601(scalar) if quoted else None
        case Type.TIMESTAMP:
            moment = unix_seconds(_integer(scalar, *INTEGER_RANGE[Type.LONG]))
        case _:
            raise TypeError(f"column {column.name}: a payload has no {column.type.value} values")
    if moment is None:
        raise Misfit
    return moment


def _boolean(scalar: str) -> bool:
    if scalar not in ("true", "false"):
        raise Misfit
    return scalar == "true"


def _number(scalar: str) -> Decimal:
    if _NUMERAL.fullmatch(scalar) is None:
        raise Misfit
    return Decimal(scalar)


def _integer(scalar: str, low: int, high: int) -> int:
    number = _number(scalar)
    if not low <= number <= high or number != number.to_integral_value():
        raise Misfit
    return int(number)


def _decimal_18_2(scalar: str) -> str:
    number = _number(scalar)
    if not -_DECIMAL_18_2_END < number < _DECIMAL_18_2_END:
        raise Misfit
    cents = number.quantize(_CENT)
    if cents != number:
        raise Misfit
    return str(cents)
