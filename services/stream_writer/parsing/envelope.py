"""The system columns that come from a record's position and headers, never from its payload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.parsing.columns import build, moments
from services.stream_writer.parsing.timestamps import (
    EARLIEST_UNIX_SECOND,
    LATEST_UNIX_SECOND,
    iso_8601,
)
from services.stream_writer.parsing.values import Plain
from services.stream_writer.record_batches.record_columns import Alike, RecordColumns
from shared.tables.raw.landing import SYSTEM_COLUMNS

_COLUMNS = {column.name: column for column in SYSTEM_COLUMNS}
_TEXT = pa.large_string()
_MILLISECONDS = pa.timestamp("ms", tz="UTC")
_MOMENT = pa.timestamp("us", tz="UTC")

_HEADERS = {
    "_delivery_id": "delivery_id",
    "_event_id": "ce_id",
    "_event_type": "ce_type",
    "_source": "ce_source",
}
_TIME_HEADERS = {"_event_time": "ce_time", "_received_at": "received_at"}
_NO_EXTENSIONS = frozenset(
    {"ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "ce_subject"}
)
"""The subject is the record key, the version of the specification is a constant."""

_NEEDS_ESCAPE = r'["\\\x00-\x1f]'

Drift = dict[int, set[str]]
"""Names of the columns that did not fit, by row."""


def envelope_columns(
    topic: str, records: RecordColumns, loaded_at: datetime, drift: Drift
) -> dict[str, pa.Array]:
    """Arrow columns of position, headers and key, by column name.

    Header values that are not UTF-8 are read with replacement characters; times that are no
    moment are null and added to ``drift``. Of a header that occurs twice the last counts.
    """
    rows = len(records)
    columns: dict[str, pa.Array] = {
        "_topic": pa.repeat(pa.scalar(topic, _TEXT), rows),
        "_partition": records.partition,
        "_offset": records.offset,
        "_loaded_at": pa.repeat(pa.scalar(loaded_at.astimezone(UTC), _MOMENT), rows),
        "_replayed": pa.repeat(pa.scalar(False), rows),
        "_key": _texts(records.key),
        "_attributes": records.each([_attributes(of) for of in records.alike], _TEXT),
        "_timestamp": _broker_times(records.timestamp, drift),
    }
    for name, header in _HEADERS.items():
        columns[name] = _texts(records.header(header))
    for name, header in _TIME_HEADERS.items():
        columns[name] = _moments(name, records.header(header), drift)
    return columns


def _texts(values: pa.LargeBinaryArray) -> pa.LargeStringArray:
    try:
        return values.cast(_TEXT)
    except pa.ArrowInvalid:
        return pa.array(
            [None if value is None else _text(value) for value in values.to_pylist()], _TEXT
        )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _moments(name: str, values: pa.LargeBinaryArray, drift: Drift) -> pa.Array:
    try:
        return moments(values.cast(_TEXT))
    except pa.ArrowInvalid:
        pass
    texts: list[bytes | None] = values.to_pylist()

    def repair(row: int) -> Plain:
        text = texts[row]
        moment = None if text is None else iso_8601(_text(text))
        if moment is None and text is not None:
            drift.setdefault(row, set()).add(name)
        return moment

    return build(_COLUMNS[name], list(texts), repair)


def _broker_times(milliseconds: pa.Int64Array, drift: Drift) -> pa.Array:
    none = pa.scalar(None, pa.int64())
    known = pc.if_else(pc.equal(milliseconds, -1), none, milliseconds)
    within = pc.and_(
        pc.greater_equal(known, EARLIEST_UNIX_SECOND * 1000),
        pc.less(known, (LATEST_UNIX_SECOND + 1) * 1000),
    )
    if not pc.all(within, min_count=0).as_py():
        for row in pc.indices_nonzero(pc.invert(within)).to_pylist():
            drift.setdefault(row, set()).add("_timestamp")
        known = pc.if_else(within, known, none)
    return known.view(_MILLISECONDS).cast(_MOMENT)


def _attributes(records: Alike) -> pa.LargeStringArray:
    """Extension attributes of each record as a JSON object; null where there are none."""
    extensions = [
        name for name in records.names if name.startswith("ce_") and name not in _NO_EXTENSIONS
    ]
    if not extensions:
        return pa.nulls(len(records.rows), _TEXT)
    keys = [name.removeprefix("ce_") for name in extensions]
    values = [pc.fill_null(_texts(records.header(name)), "") for name in extensions]
    if any(pc.any(pc.match_substring_regex(each, _NEEDS_ESCAPE)).as_py() for each in values):
        rows = zip(*(each.to_pylist() for each in values), strict=True)
        return pa.array([orjson.dumps(dict(zip(keys, row, strict=True))) for row in rows], _TEXT)
    return _joined(keys, values)


def _joined(keys: Sequence[str], values: Sequence[pa.LargeStringArray]) -> pa.LargeStringArray:
    """JSON objects of texts that need no escape."""
    parts: list[object] = []
    for key, each in zip(keys, values, strict=True):
        opening = '{"' if not parts else '","'
        parts += [opening + orjson.dumps(key).decode()[1:-1] + '":"', each]
    text = [part if isinstance(part, pa.Array) else pa.scalar(part, _TEXT) for part in parts]
    return pc.binary_join_element_wise(*text, pa.scalar('"}', _TEXT), pa.scalar("", _TEXT))
