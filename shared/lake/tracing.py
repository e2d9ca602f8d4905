"""Find one event: in the landing tables first, then in the logs behind the tables' positions.

A table holds a row for every record below its recorded position, so of a topic that lands only
what lies behind needs reading. Topics that no table reads are read from ``since`` on. Both are
bounded by time; what was looked through is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.expressions import (
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    Or,
    Reference,
)
from pyiceberg.expressions.literals import literal

from shared.contracts import envelope
from shared.contracts.dead_letters import REPLAYED_FROM_ATTRIBUTE
from shared.lake.derived_trace import DerivedTrace, Landed
from shared.lake.history import first_covering
from shared.lake.positions import PartitionKey, Positions
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.lake.trace import Delivery, Row, Snapshot, Trace
from shared.runtime.log_bounds import LogBounds, log_bounds
from shared.runtime.log_ranges import offsets_at, read_range
from shared.runtime.settings import Settings
from shared.sources.topics import TOPICS
from shared.tables.registry import TABLES, landing_tables
from shared.tables.spec import TableSpec

SINCE = timedelta(days=7)
"""How far back by default: as long as vendor topics keep their records."""

Progress = Callable[[str], None]

_ID_COLUMNS = ("_event_id", "_delivery_id", "delivery_id", "vendor_event_id")
"""Columns that name an event or a delivery; the last two are those of dead letters."""

_SELECT = """
select _event_id, _delivery_id, _event_type, _source, _topic, _partition, _offset,
       _received_at, _timestamp, _key, _loaded_at, _error, _drift, _replayed,
       json_extract_string(_attributes, '$.{attribute}')
from {table} where _loaded_at >= ? and ({ids}) order by _received_at, _offset limit {limit}
"""

MAX_FOLLOWED = 20
"""Most deliveries of one event that are followed below their landing table."""

MAX_ROWS = 1000
"""Most deliveries shown of one table; an event that is redelivered more often is cut."""


async def trace(
    settings: Settings,
    event_id: str,
    *,
    since: timedelta = SINCE,
    timeout_s: float = 60.0,
    progress: Progress = lambda _: None,
) -> Trace:
    """Everything that is known of a vendor's event id, or of a delivery id.

    Args:
        settings: where the platform is.
        event_id: value of ``ce_id`` or ``delivery_id``.
        since: how far back tables and topics are searched.
        timeout_s: longest time spent on reading topics.
        progress: told what is being searched.

    Raises:
        Unavailable: catalog, object store or broker do not answer.
    """
    from_time = datetime.now(UTC) - since
    cancelled = threading.Event()
    try:
        found, positions, searched = await asyncio.to_thread(
            _in_tables, settings, event_id, from_time, progress, cancelled
        )
    except asyncio.CancelledError:
        cancelled.set()  # ends the thread after the table at hand
        raise
    ranges, bounds = await _ranges(settings, positions, from_time)
    waiting: list[Delivery] = []
    complete = True
    progress(f"searching {sum(end - first for first, end in ranges.values())} records of topics")
    try:
        async with asyncio.timeout(timeout_s):
            await _on_topics(settings, event_id, ranges, positions, waiting)
    except TimeoutError:
        complete = False
    searched += [
        f"{topic}/{partition} offsets [{first}, {end})"
        for (topic, partition), (first, end) in sorted(ranges.items())
        if first < end
    ]
    known = {(each.topic, each.partition, each.offset): each for each in waiting}
    known |= {(e.topic, e.partition, e.offset): _held(e, bounds) for e in found}
    ordered = sorted(known.values(), key=lambda e: (e.received_at or from_time, e.offset))
    progress("following it through derived tables")
    followed = await asyncio.to_thread(_followed, settings, ordered)
    return Trace(event_id, tuple(followed), tuple(searched), complete)


def _followed(settings: Settings, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries with their way through derived tables; of an event that came very often only
    the first ones."""
    derived = DerivedTrace(LakeReader(settings), TABLES)
    return [
        _with_derived(each, derived) if number < MAX_FOLLOWED else each
        for number, each in enumerate(deliveries)
    ]


def _with_derived(delivery: Delivery, derived: DerivedTrace) -> Delivery:
    row = delivery.row
    if row is None or row.snapshot is None:
        return delivery
    landed = Landed(
        row.table,
        (delivery.topic, delivery.partition),
        delivery.offset,
        row.loaded_at,
        delivery.event_id,
    )
    return replace(delivery, derived=derived.follow(landed, row.snapshot.snapshot_id))


def _in_tables(
    settings: Settings,
    event_id: str,
    from_time: datetime,
    progress: Progress,
    cancelled: threading.Event,
) -> tuple[list[Delivery], dict[str, Positions | None], list[str]]:
    """Rows of all landing tables, the tables' positions by topic, and what was searched."""
    lake = LakeReader(settings)
    deliveries: list[Delivery] = []
    positions: dict[str, Positions | None] = {}
    searched: list[str] = []
    for spec in landing_tables():
        if cancelled.is_set():
            break
        progress(f"searching {spec.name}")
        # The positions must not be newer than the rows: what lies between is read from the log.
        state = TableState.of(lake.table(spec.name).metadata)
        positions.update(dict.fromkeys(spec.topics, recorded(state).positions))
        snapshot_id = state.current_snapshot_id
        if snapshot_id is None:
            searched.append(f"{spec.name} (empty)")
            continue
        searched.append(f"{spec.name} since {from_time.isoformat(timespec='seconds')}")
        rows = _rows(lake, spec, snapshot_id, event_id, from_time)
        deliveries += [_delivery(spec.name, state, row) for row in rows]
    return deliveries, positions, searched


def _rows(
    lake: LakeReader, spec: TableSpec, snapshot_id: int, event_id: str, from_time: datetime
) -> list[tuple[Any, ...]]:
    names = {column.name for column in spec.columns}
    columns = [column for column in _ID_COLUMNS if column in names]
    statement = _SELECT.format(
        table=spec.name,
        ids=" or ".join(f"{column} = ?" for column in columns),
        limit=MAX_ROWS,
        attribute=REPLAYED_FROM_ATTRIBUTE,
    )
    with query(
        lake,
        statement,
        pins={spec.name: Pin(snapshot_id=snapshot_id)},
        parameters=[from_time, *[event_id] * len(columns)],
        row_filter=_file_filter(columns, event_id, from_time),
    ) as result:
        return list(result.rows())


def _file_filter(columns: Iterable[str], event_id: str, from_time: datetime) -> BooleanExpression:
    """Prunes files by the bounds in the manifests; delivery ids rise with time, so they prune."""
    first, *others = (
        EqualTo(term=Reference(column), value=literal(event_id)) for column in columns
    )
    any_id: BooleanExpression = first
    for other in others:
        any_id = Or(any_id, other)
    since = literal(from_time.isoformat())
    return And(GreaterThanOrEqual(term=Reference("_loaded_at"), value=since), any_id)


def _delivery(table: str, state: TableState, row: tuple[Any, ...]) -> Delivery:
    event_id, delivery_id, event_type, source, topic, partition, offset, *rest = row
    received_at, timestamp, key, loaded_at, error, drift, replayed, replayed_from = rest
    covering = first_covering(state, (topic, partition), offset, not_before=loaded_at)
    snapshot = None
    if covering is not None:
        version = covering.version
        snapshot = Snapshot(
            version.snapshot_id,
            version.sequence_number,
            version.committed_at,
            version.writer,
            version.commit_id,
            covering.exact,
        )
    return Delivery(
        event_id=event_id,
        delivery_id=delivery_id,
        event_type=event_type,
        source=source,
        topic=topic,
        partition=partition,
        offset=offset,
        received_at=_utc(received_at),
        timestamp=_utc(timestamp),
        on_topic=None,
        row=Row(
            table, key, loaded_at.astimezone(UTC), error, drift, replayed, snapshot, replayed_from
        ),
    )


async def _ranges(
    settings: Settings, positions: Mapping[str, Positions | None], from_time: datetime
) -> tuple[dict[PartitionKey, tuple[int, int]], dict[PartitionKey, LogBounds]]:
    """Which offsets of each partition are read, and what the logs hold."""
    vendor_topics = [topic.name for topic in TOPICS.values() if not topic.values]
    bounds = await log_bounds(settings, {*vendor_topics, *positions})
    ranges: dict[PartitionKey, tuple[int, int]] = {}
    by_time: dict[PartitionKey, LogBounds] = {}
    for key, log in bounds.items():
        of_table = positions.get(key[0])
        at = None if of_table is None else of_table.next_offset(*key)
        if at is None:
            by_time[key] = log
        else:
            ranges[key] = (min(max(at, log.start), log.end), log.end)
    begins = await offsets_at(settings, by_time, from_time)
    for key, log in by_time.items():
        begin = begins[key]
        ranges[key] = (log.end if begin is None else begin, log.end)
    return ranges, bounds


async def _on_topics(
    settings: Settings,
    event_id: str,
    ranges: Mapping[PartitionKey, tuple[int, int]],
    positions: Mapping[str, Positions | None],
    found: list[Delivery],
) -> None:
    """Append what the ranges hold to ``found``; what is found before a timeout stays."""
    logical = settings.environment.logical_topic
    async with contextlib.aclosing(read_range(settings, ranges)) as records:
        async for record in records:
            headers = envelope.read(record.headers or ())
            if event_id not in (headers.get("ce_id"), headers.get("delivery_id")):
                continue
            topic = logical(record.topic)
            of_table = positions.get(topic)
            found.append(
                Delivery(
                    event_id=headers.get("ce_id"),
                    delivery_id=headers.get("delivery_id"),
                    event_type=headers.get("ce_type"),
                    source=headers.get("ce_source"),
                    topic=topic,
                    partition=record.partition,
                    offset=record.offset,
                    received_at=_parsed(headers.get("received_at")),
                    timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
                    on_topic=True,
                    row=None,
                    table_next=(
                        None if of_table is None else of_table.next_offset(topic, record.partition)
                    ),
                )
            )


def _held(delivery: Delivery, bounds: Mapping[PartitionKey, LogBounds]) -> Delivery:
    """Whether the log still holds the offset of a row."""
    log = bounds.get((delivery.topic, delivery.partition))
    held = log is not None and log.start <= delivery.offset < log.end
    return replace(delivery, on_topic=held)


def _parsed(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)
