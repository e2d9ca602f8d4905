"""Columns of a file as columns of the table: a whole one at once, else value by value.

The rules are those of payloads: a spelling fits when nothing is lost. An integer may be a text, a
whole float or, for moments, a timestamp; JSON may be text or nested; what does not fit is null.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.types as of

from services.stream_writer.parsing.values import Misfit, plain
from shared.tables.spec import Column, Type

_TEXT, _BYTES = pa.large_string(), pa.large_binary()
_WANTED = {
    Type.STRING: _TEXT,
    Type.JSON: _TEXT,
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DOUBLE: pa.float64(),
}
TYPES = frozenset(_WANTED)
"""Column types that a file's columns may have."""

_ODD = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OverflowError)
_json = msgspec.json.Decoder(msgspec.Raw).decode


def fitted(column: Column, values: pa.Array) -> tuple[pa.Array, list[int]]:
    """The column's values in the table's type, and the rows of those that do not fit."""
    if of.is_dictionary(values.type):
        values = values.dictionary_decode()
    if of.is_null(values.type):
        return pa.nulls(len(values), _WANTED[column.type]), []
    try:
        return _whole(column.type, values), []
    except _ODD:
        pass
    fits: list[object] = []
    misfits: list[int] = []
    for row in range(len(values)):
        try:
            fits.append(_fit(column, values[row]))
        except Misfit:
            fits.append(None)
            misfits.append(row)
    return pa.array(fits, _WANTED[column.type]), misfits


def value_of(scalar: pa.Scalar) -> Any:
    """A value in Python's terms, whatever it is; texts that are not UTF-8 with escapes.

    What Python has not, such as nanoseconds, is the text that Arrow makes of it, or the number.
    """
    try:
        return scalar.as_py()
    except Exception:  # noqa: BLE001 - of many kinds, and a file may hold anything
        return _part_by_part(scalar)


def _part_by_part(scalar: Any) -> Any:
    if isinstance(within := getattr(scalar, "value", None), pa.Scalar):  # of a dictionary
        return value_of(within)
    if isinstance(scalar, pa.StructScalar):
        names = [scalar.type.field(at).name for at in range(scalar.type.num_fields)]
        values = [value_of(scalar[at]) for at in range(len(names))]
        pairs = list(zip(names, values, strict=True))
        return dict(pairs) if len(set(names)) == len(names) else pairs
    if isinstance(scalar, pa.ListScalar | pa.LargeListScalar | pa.FixedSizeListScalar):
        return [value_of(one) for one in scalar.values]
    if _is_text(scalar.type):
        return scalar.cast(_BYTES).as_py().decode("utf-8", "backslashreplace")
    try:
        return scalar.cast(_TEXT).as_py()
    except Exception:  # noqa: BLE001 - as above
        return str(getattr(scalar, "value", scalar.type))


def json_of(value: object) -> bytes:
    """JSON of a value, members by name; what JSON has not is text."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    try:
        return orjson.dumps(value, default=_text_of, option=options)
    except (TypeError, orjson.JSONEncodeError):  # integers of more than 64 bits, deep nesting
        return orjson.dumps(str(value))


def _text_of(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _whole(type_: Type, values: pa.Array) -> pa.Array:
    kind = values.type
    match type_:
        case Type.STRING | Type.JSON if _is_text(kind):
            # Arrow believes that a file's texts are UTF-8; a cast from bytes looks.
            texts = values.cast(_BYTES).cast(_TEXT)
            if type_ is Type.JSON:
                _require_json(texts)
            return texts
        case Type.LONG if of.is_timestamp(kind):
            zone = pa.timestamp("us", tz=kind.tz)
            return values.cast(zone).cast(pa.int64())
        case Type.LONG | Type.INT if of.is_integer(kind) or of.is_floating(kind):
            return values.cast(_WANTED[type_])
        case Type.BOOLEAN if of.is_boolean(kind):
            return values
        case Type.DOUBLE if of.is_floating(kind):
            return values.cast(pa.float64())
    raise pa.ArrowInvalid("not a type that fits as a whole")


def _is_text(kind: pa.DataType) -> bool:
    kinds = (of.is_string, of.is_large_string, of.is_string_view, of.is_binary, of.is_large_binary)
    return any(is_one(kind) for is_one in kinds)


def _require_json(texts: pa.Array) -> None:
    for text in texts.cast(_BYTES).unique().to_pylist():
        if text is not None:
            try:
                _json(text)
            except (msgspec.DecodeError, RecursionError) as error:
                raise pa.ArrowInvalid("not JSON") from error


def _fit(column: Column, scalar: pa.Scalar) -> object:
    """Raises Misfit."""
    if not scalar.is_valid:
        return None
    try:
        if column.type is Type.LONG and of.is_timestamp(scalar.type):
            return scalar.cast(pa.timestamp("us", tz=scalar.type.tz)).value
        value = scalar.as_py()
        if isinstance(value, bytes):
            value = value.decode()
    except Exception:  # noqa: BLE001 - what Python has not; the payload tells it
        raise Misfit from None
    if column.type is Type.JSON:
        if not isinstance(value, str):
            return json_of(value).decode()
        try:
            _json(value.encode())
        except (msgspec.DecodeError, RecursionError):
            raise Misfit from None
        return value
    if isinstance(value, dict | list):
        raise Misfit
    if column.type is Type.DOUBLE:
        return _double(value)
    if isinstance(value, bool | int | str):
        return plain(column, json_of(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise Misfit
    # Of numbers the numeral; of anything else its text, which fits a text column.
    text = str(value)
    return plain(column, text.encode() if _is_numeral(text) else json_of(text))


def _is_numeral(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _double(value: object) -> float:
    if isinstance(value, bool):
        raise Misfit
    try:
        number = float(str(value))
    except ValueError:
        raise Misfit from None
    if isinstance(value, int) and int(number) != value:
        raise Misfit
    return number
