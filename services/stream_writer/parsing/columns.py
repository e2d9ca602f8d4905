"""From plain values to Arrow columns: whole columns at once, what does not fit found by halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.parsing.timestamps import EARLIEST_UNIX_SECOND, LATEST_UNIX_SECOND
from services.stream_writer.parsing.values import Plain
from shared.tables.spec import Column, TimeFormat, Type

_MISFITS = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)

_TEXT = pa.large_string()
_MOMENT = pa.timestamp("us", tz="UTC")
_TYPES = {
    Type.STRING: _TEXT,
    Type.JSON: _TEXT,
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.BINARY: pa.large_binary(),
}
_EARLIEST = EARLIEST_UNIX_SECOND * 1_000_000
_LATEST = LATEST_UNIX_SECOND * 1_000_000 + 999_999


def build(column: Column, values: list[Plain], repair: Callable[[int], Plain]) -> pa.Array:
    """The Arrow column of plain values.

    Args:
        column: its type decides the Arrow type.
        values: one value per row; those that do not fit are replaced in place.
        repair: gives the value of a row that does not fit; it must fit or be ``None``. It may be
            asked for rows that do fit when there are too many to find each.
    """
    try:
        return cast(column, values)
    except _MISFITS:
        for row in _misfits(column, values):
            values[row] = repair(row)
    return cast(column, values)


def cast(column: Column, values: Sequence[Plain]) -> pa.Array:
    """The Arrow column of plain values.

    Raises:
        pa.ArrowInvalid, pa.ArrowTypeError, OverflowError: some value does not fit.
    """
    match column.type:
        case Type.DECIMAL_18_2:
            return pa.array(values, _TEXT).cast(pa.decimal128(18, 2))
        case Type.TIMESTAMP if column.time_format is TimeFormat.UNIX_SECONDS:
            return _bounded(pa.array(values, pa.timestamp("s", tz="UTC")).cast(_MOMENT))
        case Type.TIMESTAMP:
            return _bounded(pa.array(values, _TEXT).cast(_MOMENT))
        case _:
            return pa.array(values, _TYPES[column.type])


def _bounded(moments: pa.Array) -> pa.Array:
    """Refuse moments outside of the years 1 to 9999, which Arrow holds and Python does not."""
    extremes: Any = pc.min_max(moments.view(pa.int64())).as_py()
    earliest, latest = extremes["min"], extremes["max"]
    if earliest is not None and not _EARLIEST <= earliest <= latest <= _LATEST:
        raise pa.ArrowInvalid("a moment outside of the years 1 to 9999")
    return moments


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
