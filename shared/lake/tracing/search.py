"""Find one event: in the landing tables first, then in the logs behind the tables' positions.

A table holds a row for every record below its recorded position, so of a topic that lands only
what lies behind needs reading. Topics that no table reads are read from ``since`` on. Both are
bounded by time; what was looked through is told.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.lake.reader import LakeReader
from shared.lake.tracing.derived_trace import DerivedTrace, Landed
from shared.lake.tracing.landed import Progress, in_tables
from shared.lake.tracing.on_topics import held, on_topics, ranges_of
from shared.lake.tracing.trace import Delivery, Trace
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES

SINCE = timedelta(days=7)
"""How far back by default: as long as vendor topics keep their records."""

MAX_FOLLOWED = 20
"""Most deliveries of one event that are followed below their landing table."""


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
            in_tables, settings, event_id, from_time, progress, cancelled
        )
    except asyncio.CancelledError:
        cancelled.set()  # ends the thread after the table at hand
        raise
    ranges, bounds = await ranges_of(settings, positions, from_time)
    waiting: list[Delivery] = []
    complete = True
    progress(f"searching {sum(end - first for first, end in ranges.values())} records of topics")
    try:
        async with asyncio.timeout(timeout_s):
            await on_topics(settings, event_id, ranges, positions, waiting)
    except TimeoutError:
        complete = False
    searched += [
        f"{topic}/{partition} offsets [{first}, {end})"
        for (topic, partition), (first, end) in sorted(ranges.items())
        if first < end
    ]
    known = {(each.topic, each.partition, each.offset): each for each in waiting}
    known |= {(e.topic, e.partition, e.offset): held(e, bounds) for e in found}
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
