"""What of a piece of work a table still lacks: the decision on one head. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from services.stream_writer.buffer import Work
from services.stream_writer.partition_batch import PartitionKey
from shared.lake.coverage import Behind, Covered, Range, decide
from shared.lake.position import Adoptions, Tail
from shared.lake.positions import Positions


class PartitionsBehind(Exception):
    """What is offered does not continue the table: these partitions must be settled anew."""

    def __init__(self, partitions: Collection[PartitionKey]) -> None:
        super().__init__(", ".join(f"{topic}/{p}" for topic, p in sorted(partitions)))
        self.partitions = frozenset(partitions)


class PositionsLost(Exception):
    """The table has snapshots, but none says what it has consumed."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What goes into one snapshot on one head.

    Attributes:
        starts: per partition the first offset that the table lacks; covered ones are left out.
        parts: which of the prepared rows go in, as (first row, number of rows).
        positions: where the table stands afterwards.
        rows, errors: how many rows go in, and how many of them could not be parsed.
        repeats: which of the prepared rows are left out as repetitions; a subset of ``parts``.
    """

    starts: dict[PartitionKey, int]
    parts: tuple[tuple[int, int], ...]
    positions: Positions
    rows: int
    errors: int
    repeats: frozenset[int] = frozenset()


def land(
    work: Work,
    slices: Mapping[PartitionKey, tuple[int, int]],
    bad_rows: Collection[int],
    positions: Positions,
    first_seen: Mapping[PartitionKey, int],
    adoptions: Mapping[PartitionKey, Adoptions],
    repeats: Collection[int] = (),
) -> Landing | None:
    """What of prepared work a head lacks; ``None`` when it lacks nothing.

    Args:
        work: what is offered.
        slices: per partition where its rows begin among the prepared ones, and how many there are.
        bad_rows: which of the prepared rows could not be parsed.
        positions: of the head.
        first_seen, adoptions: as :func:`cuts` wants them.
        repeats: which of the prepared rows say what the table knows: their offsets are gaps.

    Raises:
        PartitionsBehind: some partitions do not continue the table.
    """
    starts = cuts(work, positions, first_seen, adoptions)
    if not starts:
        return None
    parts: list[tuple[int, int]] = []
    errors, left_out = 0, set[int]()
    for key, start in starts.items():
        records = work.records(key)
        skip = bisect_left(records, start, key=attrgetter("offset"))
        begin, end = slices[key][0] + skip, sum(slices[key])
        bad = sum(begin <= row < end for row in bad_rows)
        known = [row for row in repeats if begin <= row < end]
        positions = positions.advance(
            *key,
            start=start,
            end=work.span(key)[1],
            rows=end - begin - len(known),
            errors=bad,
            tail=last_tail(records),
        )
        parts.append((begin, end - begin))
        errors += bad
        left_out.update(known)
    rows = sum(count for _, count in parts) - len(left_out)
    return Landing(starts, tuple(parts), positions, rows, errors, frozenset(left_out))


def cuts(
    work: Work,
    positions: Positions,
    first_seen: Mapping[PartitionKey, int],
    adoptions: Mapping[PartitionKey, Adoptions],
) -> dict[PartitionKey, int]:
    """Where in each partition the rows begin that the table lacks; covered partitions are left out.

    Args:
        work: what is offered.
        positions: of the head.
        first_seen: log's start of the partitions that the table had never seen.
        adoptions: what operators had stated about each partition's position when it was read.

    Raises:
        PartitionsBehind: some partitions do not continue the table.
    """
    found: dict[PartitionKey, int] = {}
    behind: set[PartitionKey] = set()
    for key in sorted(work.batches):
        start, end = work.span(key)
        stated = positions.adoptions(*key)
        if stated != adoptions.get(key, stated) or _of_another_log(work, key, positions):
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


def _of_another_log(work: Work, key: PartitionKey, positions: Positions) -> bool:
    """Whether what was read holds another record where the table's last one stood.

    It overlaps the table then, but not in content: the topic was made anew between the commit of
    one worker and the fetch of another. Settling finds out.
    """
    tail = positions.tail(*key)
    if tail is None or work.span(key)[0] > tail.offset:
        return False
    records = work.records(key)
    index = bisect_left(records, tail.offset, key=attrgetter("offset"))
    if index == len(records) or records[index].offset != tail.offset:
        return False
    return tail_of(records[index]) != tail


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
            delivery_id = None if value is None else value.decode("utf-8", "replace")
    return Tail(record.offset, delivery_id, record.timestamp)
