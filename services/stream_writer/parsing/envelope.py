"""The system columns that come from a record's position and headers, never from its payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson
import pyarrow as pa

from services.stream_writer.parsing.columns import build
from services.stream_writer.parsing.record import Record
from services.stream_writer.parsing.timestamps import (
    EARLIEST_UNIX_SECOND,
    LATEST_UNIX_SECOND,
    iso_8601,
)
from services.stream_writer.parsing.values import Plain
from shared.tables.raw.landing import SYSTEM_COLUMNS

_COLUMNS = {column.name: column for column in SYSTEM_COLUMNS}
_TEXT = pa.large_string()

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

Drift = dict[int, set[str]]
"""Names of the columns that did not fit, by row."""


def envelope_columns(
    topic: str, records: Sequence[Record], loaded_at: datetime, drift: Drift
) -> dict[str, pa.Array]:
    """Arrow columns of position, headers and key, by column name.

    Header values that are not UTF-8 are read with replacement characters; times that are no
    moment are null and added to ``drift``. Of a header that occurs twice the last counts.
    """
    rows = len(records)
    headers = [dict(record.headers) for record in records]
    columns: dict[str, pa.Array] = {
        "_topic": pa.repeat(pa.scalar(topic, _TEXT), rows),
        "_partition": pa.array([record.partition for record in records], pa.int32()),
        "_offset": pa.array([record.offset for record in records], pa.int64()),
        "_loaded_at": pa.repeat(
            pa.scalar(loaded_at.astimezone(UTC), pa.timestamp("us", tz="UTC")), rows
        ),
        "_replayed": pa.repeat(pa.scalar(False), rows),
        "_key": _texts([record.key for record in records]),
        "_attributes": _attributes(headers),
        "_timestamp": _broker_times([record.timestamp for record in records], drift),
    }
    for name, header in _HEADERS.items():
        columns[name] = _texts([of.get(header) for of in headers])
    for name, header in _TIME_HEADERS.items():
        columns[name] = _moments(name, [of.get(header) for of in headers], drift)
    return columns


def _texts(values: list[bytes | None]) -> pa.Array:
    try:
        return pa.array(values, _TEXT)
    except pa.ArrowInvalid:
        return pa.array(
            [None if value is None else value.decode("utf-8", "replace") for value in values], _TEXT
        )


def _moments(name: str, values: list[bytes | None], drift: Drift) -> pa.Array:
    def repair(row: int) -> Plain:
        text = values[row]
        moment = None if text is None else iso_8601(text.decode("utf-8", "replace"))
        if moment is None and text is not None:
            drift.setdefault(row, set()).add(name)
        return moment

    return build(_COLUMNS[name], list(values), repair)


def _broker_times(milliseconds: list[int | None], drift: Drift) -> pa.Array:
    known: list[int | None] = []
    for row, value in enumerate(milliseconds):
        if value is None or value == -1:
            known.append(None)
        elif EARLIEST_UNIX_SECOND * 1000 <= value < (LATEST_UNIX_SECOND + 1) * 1000:
            known.append(value)
        else:
            known.append(None)
            drift.setdefault(row, set()).add("_timestamp")
    return pa.array(known, pa.timestamp("ms", tz="UTC")).cast(pa.timestamp("us", tz="UTC"))


def _attributes(headers: Sequence[Mapping[str, bytes | None]]) -> pa.Array:
    """Extension attributes of each record as a JSON object; null where there are none."""
    extensions = {names: _extensions(names) for names in set(map(tuple, headers))}
    if not any(extensions.values()):
        return pa.nulls(len(headers), _TEXT)
    return pa.array([_json(of, extensions[tuple(of)]) for of in headers], _TEXT)


def _extensions(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith("ce_") and name not in _NO_EXTENSIONS)


def _json(headers: Mapping[str, bytes | None], extensions: tuple[str, ...]) -> bytes | None:
    if not extensions:
        return None
    return orjson.dumps(
        {
            name.removeprefix("ce_"): (headers[name] or b"").decode("utf-8", "replace")
            for name in extensions
        }
    )
