"""An event in the landing tables: its rows, and the snapshots that brought them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, Or, Reference
from pyiceberg.expressions.literals import literal

from shared.contracts.dead_letters import REPLAYED_FROM_ATTRIBUTE
from shared.lake.history import first_covering
from shared.lake.positions import Positions
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.lake.tracing.trace import Delivery, Row, Snapshot
from shared.runtime.settings import Settings
from shared.tables.registry import landing_tables
from shared.tables.spec import TableSpec

Progress = Callable[[str], None]
"""Told what is being searched."""

_ID_COLUMNS = ("_event_id", "_delivery_id", "delivery_id", "vendor_event_id")
"""Columns that name an event or a delivery; the last two are those of dead letters."""

_SELECT = """
select _event_id, _delivery_id, _event_type, _source, _topic, _partition, _offset,
       _received_at, _timestamp, _key, _loaded_at, _error, _drift, _replayed,
       json_extract_string(_attributes, '$.{attribute}')
from {table} where _loaded_at >= ? and ({ids}) order by _received_at, _offset limit {limit}
"""

MAX_ROWS = 1000
"""Most deliveries shown of one table; an event that is redelivered more often is cut."""


def in_tables(
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


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)
