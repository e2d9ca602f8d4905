"""Dead letters as their table has them, chosen by what an operator knows of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pyiceberg.expressions import BooleanExpression, GreaterThanOrEqual, Reference
from pyiceberg.expressions.literals import literal

from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.tables.metadata import DEAD_LETTERS, DEAD_LETTERS_HANDLED

TABLE, HANDLED_TABLE = DEAD_LETTERS.name, DEAD_LETTERS_HANDLED.name

UNREADABLE = "unreadable"
"""Stage of a record on the topic of dead letters that is none: nobody announces it once more."""

Place = tuple[str, int, int]
"""(topic, partition, offset)."""

RowKey = tuple[str, int, int, datetime]
"""Place and time of loading: a log that is made anew uses its places again."""

_SKEW = timedelta(days=1)
"""Clocks may differ: rows that were loaded so long before a letter's failure are read, too."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; what is not said does not matter.

    Attributes:
        ids: their ids.
        source: vendor, the first word of the topic.
        topic, reason, stage: as the letters have them.
        since, until: failed at ``since`` or later, and before ``until``.
    """

    ids: tuple[str, ...] = ()
    source: str | None = None
    topic: str | None = None
    reason: str | None = None
    stage: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is said."""
        return self == Choice()

    def told(self) -> dict[str, str]:
        """What is said, for the record of what was done."""
        said = {
            "ids": ", ".join(self.ids[:20]) + (", …" if len(self.ids) > 20 else ""),
            "source": self.source,
            "topic": self.topic,
            "reason": self.reason,
            "stage": self.stage,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }
        return {name: text for name, text in said.items() if text}


@dataclass(frozen=True, slots=True)
class Replay:
    """What is known of the replays of one dead letter: how many, and the last one."""

    times: int
    last_at: datetime
    last_actor: str
    last_place: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes:
        id: position of the bad record, delivery id of a refused request, or for what is no dead
            letter its own position on their topic.
        place: where its announcement stands.
        stage, service, reason, detail: where it failed, and why.
        topic, partition, offset: of the bad record; for a refused request the topic that it was
            meant for.
        headers, record_key, value: as they were; ``value`` is ``None`` where it was not asked for.
        size: bytes of the value.
        left_out: the value or what is beside it was too large to be carried.
        origin: the dead letter that the record was a replay of.
        replay: what is known of replays, ``None`` when there was none.
    """

    id: str
    place: Place
    stage: str
    service: str | None
    reason: str
    detail: str | None
    topic: str | None
    partition: int | None
    offset: int | None
    delivery_id: str | None
    vendor_event_id: str | None
    failed_at: datetime
    received_at: datetime | None
    loaded_at: datetime
    headers: Mapping[str, str]
    record_key: bytes | None
    value: bytes | None
    size: int
    left_out: bool
    origin: str | None
    replay: Replay | None = None

    @property
    def readable(self) -> bool:
        """Whether it is a dead letter, and not a record that should be one."""
        return self.stage != UNREADABLE


@dataclass(frozen=True, slots=True)
class Found:
    """Dead letters that were chosen, newest first, of one version of the table.

    Attributes:
        letters: as many as were asked for.
        total: how many there are.
        snapshot_id: of the version.
    """

    letters: tuple[Letter, ...]
    total: int
    snapshot_id: int | None
    by_reason: Mapping[str, int] = field(default_factory=dict)


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
