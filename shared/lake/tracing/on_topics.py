"""An event in the logs: behind the tables' positions, and whether a row's record is still held."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.contracts import envelope
from shared.lake.positions import PartitionKey, Positions
from shared.lake.tracing.trace import Delivery
from shared.runtime.log_bounds import LogBounds, log_bounds
from shared.runtime.log_ranges import offsets_at, read_range
from shared.runtime.settings import Settings
from shared.sources.topics import TOPICS


async def ranges_of(
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


async def on_topics(
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


def held(delivery: Delivery, bounds: Mapping[PartitionKey, LogBounds]) -> Delivery:
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
