"""Where a landing table stands against the logs that it consumes, and what that means.

The broker's side is asked once, for all partitions; the verdict is the one that stream_writer
comes to on assignment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from shared.lake.log_identity import (
    Continue,
    Found,
    LogReplaced,
    LogTruncated,
    judge,
    operator_text,
    positions_lost_text,
)
from shared.lake.log_identity import LogBounds as JudgedBounds
from shared.lake.position import Position, Tail
from shared.lake.positions import PartitionKey
from shared.lake.recorded import Recorded, recorded
from shared.lake.table_state import TableState
from shared.runtime.log_bounds import LogBounds, log_bounds
from shared.runtime.log_ranges import read_range
from shared.runtime.settings import Settings
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """One topic-partition of a table.

    Attributes:
        position: what the table has recorded, ``None`` for a partition never seen.
        bounds: the log, ``None`` when the broker does not have the partition.
        settled: whether stream_writer can go on by itself.
        verdict: in words; what to do when it cannot.
    """

    topic: str
    partition: int
    position: Position | None
    bounds: LogBounds | None
    settled: bool
    verdict: str

    @property
    def lag(self) -> int | None:
        """Offsets in the log that the table does not hold yet."""
        if self.bounds is None:
            return None
        at = self.bounds.start if self.position is None else self.position.next
        return max(0, self.bounds.end - at)


async def standing(
    settings: Settings, spec: TableSpec, state: TableState
) -> list[PartitionStanding]:
    """Every partition that is recorded or exists, in order.

    Raises:
        Unavailable: the broker does not answer.
    """
    known = recorded(state)
    positions = {} if known.positions is None else dict(known.positions.partitions)
    bounds = await log_bounds(settings, spec.topics)
    tails = await _found(settings, positions, bounds)
    return [
        _judged(spec.name, key, known, positions.get(key), bounds.get(key), tails.get(key))
        for key in sorted(set(positions) | set(bounds))
    ]


async def _found(
    settings: Settings,
    positions: Mapping[PartitionKey, Position],
    bounds: Mapping[PartitionKey, LogBounds],
) -> dict[PartitionKey, Found]:
    """What each log holds at the offset of the table's tail, where it can be looked at."""
    asked = {
        key: position.tail.offset
        for key, position in positions.items()
        if position.tail is not None
        and key in bounds
        and bounds[key].start <= position.tail.offset < bounds[key].end
    }
    found = {key: Found(None) for key in asked}
    logical = settings.environment.logical_topic
    async with asyncio.timeout(30):
        async for record in read_range(settings, {key: (o, o + 1) for key, o in asked.items()}):
            headers = dict(record.headers or ())
            delivery_id = headers.get("delivery_id")
            text = None if delivery_id is None else delivery_id.decode("utf-8", "replace")
            tail = Tail(record.offset, text, record.timestamp)
            found[logical(record.topic), record.partition] = Found(tail)
    return found


def _judged(
    table: str,
    key: PartitionKey,
    known: Recorded,
    position: Position | None,
    bounds: LogBounds | None,
    found: Found | None,
) -> PartitionStanding:
    topic, partition = key
    if known.positions is None:
        return PartitionStanding(*key, None, bounds, False, positions_lost_text(table))
    if bounds is None:
        text = f"the broker has no partition {topic}/{partition}: run `bergline bootstrap`"
        return PartitionStanding(*key, position, None, False, text)
    at, tail = (None, None) if position is None else (position.next, position.tail)
    verdict = judge(at, tail, JudgedBounds(bounds.start, bounds.end), found)
    if isinstance(verdict, LogReplaced | LogTruncated):
        text = operator_text(table, topic, partition, verdict)
        return PartitionStanding(*key, position, bounds, False, text)
    return PartitionStanding(*key, position, bounds, True, _in_words(verdict, bounds, tail, found))


def _in_words(verdict: Continue, bounds: LogBounds, tail: Tail | None, found: Found | None) -> str:
    if verdict.first:
        return f"never seen: begins at the log's start {verdict.offset}"
    waiting = bounds.end - verdict.offset
    goes_on = f"goes on at {verdict.offset}, {waiting} offsets waiting"
    if tail is not None and found is not None and found.tail is not None:
        return f"{goes_on}; the last record consumed is still the one in the log"
    return f"{goes_on}; the last record consumed cannot be compared, it is no longer in the log"
