"""Dead letters found in their table, by SQL over one version of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pyiceberg.expressions import BooleanExpression, GreaterThanOrEqual, Reference
from pyiceberg.expressions.literals import literal

from shared.lake.dead_letters.letters import (
    HANDLED_TABLE,
    TABLE,
    UNREADABLE,
    Choice,
    Found,
    Letter,
    Replay,
    RowKey,
)
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader

_SKEW = timedelta(days=1)
"""Clocks may differ: rows that were loaded so long before a letter's failure are read, too."""

_LETTERS = f"""
with every as (
    select _topic, _partition, _offset, _loaded_at,
        case when _error is null then coalesce(_event_id, _topic || '/' || _partition || '/' ||
            _offset) else _topic || '/' || _partition || '/' || _offset end as id,
        case when _error is null then stage else '{UNREADABLE}' end as stage,
        service, coalesce(_error, reason, 'unknown') as reason, detail, topic, partition,
        "offset", delivery_id, vendor_event_id,
        coalesce(failed_at, _timestamp, _loaded_at) as failed_at, received_at, headers, record_key,
        case when _error is null then "value"
            else coalesce(_payload_bytes, encode(_payload)) end as body,
        coalesce(left_out, false) as left_out, origin
    from {TABLE}
)
"""  # noqa: S608 - names of ours

_COLUMNS = """_topic, _partition, _offset, _loaded_at, id, stage, service, reason, detail, topic,
partition, "offset", delivery_id, vendor_event_id, failed_at, received_at, headers, record_key,
coalesce(octet_length(body), 0), left_out, origin"""

_REPLAYS = f"""
select letter_id, count(*), max(handled_at), arg_max(actor, handled_at),
    arg_max(topic || '/' || partition || '/' || "offset", handled_at)
from {HANDLED_TABLE}
where action = 'replayed' and _error is null and list_contains(?, letter_id) group by letter_id
"""  # noqa: S608 - names of ours


def find(lake: LakeReader, choice: Choice, *, limit: int, values: bool = False) -> Found:
    """The dead letters that are meant, newest first.

    Args:
        lake: where the tables are.
        choice: which.
        limit: most of them.
        values: whether their bytes are read as well.

    Raises:
        NotFound, Unavailable, Refused: as :func:`shared.lake.query.query`.
    """
    snapshot_id = lake.table(TABLE).metadata.current_snapshot_id
    if snapshot_id is None:
        return Found((), 0, None)
    by_reason = dict(
        _rows(lake, choice, snapshot_id, "reason, count(*)", "group by 1 order by 2 desc, 1")
    )
    rows = _rows(
        lake,
        choice,
        snapshot_id,
        f"{_COLUMNS}, {'body' if values else 'null'}",
        f"order by failed_at desc, _topic, _partition, _offset desc limit {int(limit)}",
    )
    letters = [_letter(row) for row in rows]
    replays = _replays(lake, [letter.id for letter in letters])
    return Found(
        tuple(_with(letter, replays.get(letter.id)) for letter in letters),
        sum(by_reason.values()),
        snapshot_id,
        by_reason,
    )


def rows_of(lake: LakeReader, choice: Choice, snapshot_id: int) -> dict[RowKey, bool]:
    """The rows of all that are meant, and whether each has an error."""
    what = f"_topic, _partition, _offset, _loaded_at, stage = '{UNREADABLE}'"
    rows = _rows(lake, choice, snapshot_id, what)
    return {
        (topic, partition, offset, loaded_at): unreadable
        for topic, partition, offset, loaded_at, unreadable in rows
    }


def _condition(choice: Choice) -> tuple[str, list[Any]]:
    parts: list[str] = []
    parameters: list[Any] = []
    for sql, value in (
        ("list_contains(?, id)", list(choice.ids) or None),
        ("starts_with(topic, ? || '.')", choice.source),
        ("topic = ?", choice.topic),
        ("reason = ?", choice.reason),
        ("stage = ?", choice.stage),
        ("failed_at >= ?", choice.since),
        ("failed_at < ?", choice.until),
    ):
        if value is not None:
            parts.append(sql)
            parameters.append(value)
    return " and ".join(parts) or "true", parameters


def _rows(
    lake: LakeReader, choice: Choice, snapshot_id: int, what: str, tail: str = ""
) -> list[tuple[Any, ...]]:
    condition, parameters = _condition(choice)
    pruned: BooleanExpression | None = None
    if choice.since is not None:
        earliest = literal((choice.since - _SKEW).isoformat())
        pruned = GreaterThanOrEqual(term=Reference("_loaded_at"), value=earliest)
    sql = f"{_LETTERS} select {what} from every where {condition} {tail}"  # noqa: S608 - ours
    pins = {TABLE: Pin(snapshot_id=snapshot_id)}
    with query(lake, sql, pins=pins, parameters=parameters, row_filter=pruned) as result:
        return list(result.rows())


def _replays(lake: LakeReader, ids: list[str]) -> dict[str, Replay]:
    if not ids:
        return {}
    with query(lake, _REPLAYS, parameters=[ids]) as result:
        return {letter_id: Replay(*rest) for letter_id, *rest in result.rows()}


def _letter(row: tuple[Any, ...]) -> Letter:
    (topic, partition, offset, loaded_at, id_, stage, service, reason, detail, *rest) = row
    (of_topic, of_partition, of_offset, delivery_id, vendor_event_id, failed_at, *rest) = rest
    received_at, headers, record_key, size, left_out, origin, body = rest
    return Letter(
        id=id_,
        place=(topic, partition, offset),
        stage=stage or "unknown",
        service=service,
        reason=reason,
        detail=detail,
        topic=of_topic,
        partition=of_partition,
        offset=of_offset,
        delivery_id=delivery_id,
        vendor_event_id=vendor_event_id,
        failed_at=failed_at,
        received_at=received_at,
        loaded_at=loaded_at,
        headers=_headers(headers),
        record_key=record_key,
        value=body,
        size=size,
        left_out=left_out,
        origin=origin,
    )


def _headers(text: str | None) -> dict[str, str]:
    found = None if text is None else json.loads(text)
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _with(letter: Letter, replay: Replay | None) -> Letter:
    return letter if replay is None else replace(letter, replay=replay)
