"""What of a piece of work a table still lacks: the decision on one head. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.stream_writer.buffer import Work
from services.stream_writer.partition_batch import PartitionKey
from shared.lake.coverage import Behind, Covered, Range, decide
from shared.lake.positions import Positions, Tail


class PartitionsBehind(Exception):
    """What is offered does not continue the table: these partitions must be settled anew."""

    def __init__(self, partitions: Collection[PartitionKey]) -> None:
        super().__init__(", ".join(f"{topic}/{p}" for topic, p in sorted(partitions)))
        self.partitions = frozenset(partitions)


class PositionsLost(Exception):
    """The table has snapshots, but none says what it has consumed."""


def cuts(
    work: Work,
    positions: Positions,
    first_seen: Mapping[PartitionKey, int],
    adoptions: Mapping[PartitionKey, int],
) -> dict[PartitionKey, int]:
    """Where in each partition the rows begin that the table lacks; covered partitions are left out.

    Args:
        work: what is offered.
        positions: of the head.
        first_seen: log's start of the partitions that the table had never seen.
        adoptions: how often an operator had restated each partition's position when it was read.

    Raises:
        PartitionsBehind: some partitions do not continue the table.
    """
    found: dict[PartitionKey, int] = {}
    behind: set[PartitionKey] = set()
    for key in sorted(work.batches):
        start, end = work.span(key)
        stated = positions.adoptions(*key)
        if stated != adoptions.get(key, stated):
            behind.add(key)
            continue
        verdict = decide(positions, Range(*key, start, end, start == first_seen.get(key)))
        if isinstance(verdict, Covered):
            continue
        if isinstance(verdict, Behind):
            behind.add(key)
            continue
        found[key] = verdict.start
    if behind:
        raise PartitionsBehind(behind)
    return found


def last_tail(records: Sequence[Any]) -> Tail | None:
    """Of the last record of a batch."""
    if not records:
        return None
    return tail_of(records[-1])


def tail_of(record: Any) -> Tail:
    """What is remembered of a record to recognise its log again."""
    delivery_id = None
    for name, value in record.headers or ():
        if name == "delivery_id":
            delivery_id = value.decode("utf-8", "replace")
    return Tail(record.offset, delivery_id, record.timestamp)
