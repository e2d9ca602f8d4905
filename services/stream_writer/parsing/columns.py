"""From plain values to Arrow columns: a whole column at once, or without what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.parsing.timestamps import (
    EARLIEST_UNIX_SECOND,
    LATEST_UNIX_SECOND,
    PER_SECOND,
)
from services.stream_writer.parsing.values import DECIMALS, Plain
from shared.tables.spec import Column, Type

_MISFITS = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)

_TEXT = pa.large_string()
_BYTES = pa.large_binary()
_MOMENT = pa.timestamp("us", tz="UTC")
_TYPES = {
    Type.STRING: _TEXT,
    Type.JSON: _TEXT,
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.TIMESTAMP: _MOMENT,
    Type.BINARY: _BYTES,
    **{type_: pa.decimal128(digits, behind) for type_, (digits, behind) in DECIMALS.items()},
}
_COUNTED = {
    time_format: pa.timestamp({1: "s", 1_000: "ms", 1_000_000: "us"}[per_second], tz="UTC")
    for time_format, per_second in PER_SECOND.items()
}
_EARLIEST = EARLIEST_UNIX_SECOND * 1_000_000
_LATEST = LATEST_UNIX_SECOND * 1_000_000 + 999_999

_USUAL = {
    **{
        type_: rf"^-?[0-9]{{1,{digits - behind}}}(\.[0-9]{{1,{behind}}})?$"
        for type_, (digits, behind) in DECIMALS.items()
    },
    Type.TIMESTAMP: (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
}
"""Spellings of which nearly all fit; the others are few, and repair knows them."""


def build(column: Column, values: Sequence[Plain], repair: Callable[[int], Plain]) -> pa.Array:
    """The Arrow column of plain values.

    Args:
        column: its type decides the Arrow type.
        values: one value per row.
        repair: gives the value of a row that does not fit; it must fit or be ``None``. It may be
            asked for rows that do fit but are spelled unusually or too many to look at each.
    """
    for find in (_unusual, _misfits):
        try:
            return cast(column, values)
        except _MISFITS:
            repaired = list(values)
            for row in find(column, values):
                repaired[row] = repair(row)
            values = repaired
    return cast(column, values)


def cast(column: Column, values: Sequence[Plain]) -> pa.Array:
    """The Arrow column of plain values. JSON texts must be valid UTF-8: they are not checked again.

    Raises:
        pa.ArrowInvalid, pa.ArrowTypeError, OverflowError: some value does not fit.
    """
    if absent(values):
        return pa.nulls(len(values), _TYPES[column.type])
    match column.type:
        case Type.STRING:
            return _strings(values)
        case Type.JSON:
            return pa.array(values, _BYTES).view(_TEXT)
        case decimal if decimal in DECIMALS:
            return _decimals(pa.array(values, _TEXT), _TYPES[decimal])
        case Type.TIMESTAMP if column.time_format in _COUNTED:
            counts = pa.array(values, _COUNTED[column.time_format])
            return _bounded(counts.cast(_MOMENT))
        case Type.TIMESTAMP:
            return moments(pa.array(values, _TEXT))
        case _:
            return pa.array(values, _TYPES[column.type])


def absent(values: Sequence[Plain]) -> bool:
    """Whether all values are null."""
    # The first one nearly always tells, and costs nothing.
    return not values or (values[0] is None and values.count(None) == len(values))


def moments(texts: pa.LargeStringArray) -> pa.TimestampArray:
    """The moments that texts name.

    Raises:
        pa.ArrowInvalid: one of them is none, or spelled unusually.
    """
    return _bounded(texts.cast(_MOMENT))


def _strings(values: Sequence[Plain]) -> pa.Array:
    try:
        return pa.array(values, _TEXT)
    except pa.ArrowTypeError:
        return pa.array([str(it) if type(it) is int else it for it in values], _TEXT)


def _decimals(texts: pa.LargeStringArray, type_: pa.DataType) -> pa.Array:
    """Refuse exponents: Arrow's cast wraps small ones around (``5e-2995`` would be 0.00)."""
    data = texts.buffers()[2]
    letters = b"" if data is None else data.to_pybytes()
    if b"e" in letters or b"E" in letters:
        raise pa.ArrowInvalid("a decimal is written with an exponent")
    return texts.cast(type_)


def _bounded(times: pa.Array) -> pa.Array:
    """Refuse moments outside of the years 1 to 9999, which Arrow holds and Python does not."""
    extremes: Any = pc.min_max(times.view(pa.int64())).as_py()
    earliest, latest = extremes["min"], extremes["max"]
    if earliest is not None and not _EARLIEST <= earliest <= latest <= _LATEST:
        raise pa.ArrowInvalid("a moment outside of the years 1 to 9999")
    return times


def _unusual(column: Column, values: Sequence[Plain]) -> list[int]:
    """Rows whose text is spelled unusually: one pass over the column, however many they are."""
    pattern = _USUAL.get(column.type)
    if pattern is None or column.time_format in _COUNTED:
        return []
    try:
        usual = pc.match_substring_regex(pa.array(values, _TEXT), pattern)
    except _MISFITS:
        return []
    rows: list[int] = pc.indices_nonzero(pc.invert(usual.fill_null(True))).to_pylist()
    return rows


def _misfits(column: Column, values: Sequence[Plain]) -> list[int]:
    """Rows whose value does not fit.

    Casts halves, so the cost is some ten small casts per misfit. When more than a quarter as
    many casts as rows were spent, the rest is named without looking: whoever asked then takes
    the slow way for it, which is right for every value.
    """
    budget = 64 + len(values) // 4
    found: list[int] = []
    pending = [(0, len(values))]
    while pending:
        start, end = pending.pop()
        if budget <= 0:
            found.extend(range(start, end))
            continue
        budget -= 1
        try:
            cast(column, values[start:end])
        except _MISFITS:
            if end - start == 1:
                found.append(start)
            else:
                middle = (start + end) // 2
                pending += [(start, middle), (middle, end)]
    return found
