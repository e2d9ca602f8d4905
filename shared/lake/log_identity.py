"""Is this still the log that the table has consumed, and does it still hold what comes next?

Under the name of a topic another log may appear: the topic was deleted and made again, or the
broker lost its tail. Its offsets mean other records, so "covered" would silently drop data. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.lake.position import Tail


@dataclass(frozen=True, slots=True)
class LogBounds:
    """First offset still held, and the next one to be written."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Continue:
    """Consume from ``offset``; ``first`` when the table has never seen the partition."""

    offset: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class LogReplaced:
    """Another log stands under this name. The partition must not be consumed."""

    at: int
    bounds: LogBounds
    evidence: str


@dataclass(frozen=True, slots=True)
class LogTruncated:
    """Records ``[at, bounds.start)`` were never consumed and are gone."""

    at: int
    bounds: LogBounds


@dataclass(frozen=True, slots=True)
class Found:
    """The record that the log holds at the tail's offset, or ``None`` when it holds none there."""

    tail: Tail | None


def judge(
    at: int | None, tail: Tail | None, bounds: LogBounds, found: Found | None
) -> Continue | LogReplaced | LogTruncated:
    """Compare a table's position with a log.

    Args:
        at: the table's recorded next offset, ``None`` for a partition never seen.
        tail: the last record that the table consumed.
        bounds: the log's present bounds.
        found: what the log holds at ``tail.offset``; ``None`` when that offset lies below the
            log's start and cannot be looked at.
    """
    if at is None:
        return Continue(bounds.start, first=True)
    if bounds.end < at:
        return LogReplaced(at, bounds, f"the log ends at {bounds.end}, before the position {at}")
    if tail is not None and found is not None and found.tail is not None:
        known, seen = tail, found.tail
        same = known.delivery_id == seen.delivery_id and known.timestamp == seen.timestamp
        if not same:
            return LogReplaced(at, bounds, f"the record at {tail.offset} is not the one consumed")
    if bounds.start > at:
        return LogTruncated(at, bounds)
    return Continue(at)


def operator_text(
    table: str, topic: str, partition: int, verdict: LogReplaced | LogTruncated
) -> str:
    """What an operator reads: what happened, what it means, the command that settles it."""
    command = operator_command(table, topic, partition, verdict)
    if isinstance(verdict, LogReplaced):
        bounds, lost_tail = verdict.bounds, ""
        if bounds.start < bounds.end < verdict.at:
            lost_tail = (
                f"If it is the same log and only lost its tail, state --from {bounds.end}: with "
                f"less, what the table holds already lands twice. "
            )
        return (
            f"LogReplaced: {topic}/{partition} is another log than the one that {table} consumed "
            f"({verdict.evidence}; log [{verdict.bounds.start}, {verdict.bounds.end}), table at "
            f"{verdict.at}). Not consumed until settled. {lost_tail}To go on with the new log: "
            f"{command}"
        )
    return (
        f"LogTruncated: offsets [{verdict.at}, {verdict.bounds.start}) of {topic}/{partition} are "
        f"gone before {table} consumed them ({verdict.bounds.start - verdict.at} offsets lost). "
        f"Not consumed until settled. To go on behind the gap: {command}"
    )


def operator_command(
    table: str, topic: str, partition: int, verdict: LogReplaced | LogTruncated
) -> str:
    """The command that settles it, if nothing else is the matter."""
    why = "topic was recreated" if isinstance(verdict, LogReplaced) else "retention was too short"
    return (
        f"bergline offsets adopt {table} --topic {topic} --partition {partition} "
        f'--from {verdict.bounds.start} --reason "{why}"'
    )


def positions_lost_text(table: str) -> str:
    """Text for a table that has snapshots but no findable positions."""
    return (
        f"PositionsLost: {table} has snapshots but none of them says what it has consumed. Not "
        f"consumed until settled: look at `bergline tables history {table}` and state where every "
        f"partition goes on with `bergline offsets adopt {table} --from 0=N --from 1=N … --reason "
        f'"…"`'
    )
