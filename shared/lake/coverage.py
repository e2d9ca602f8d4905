"""Decide what of a fetched range is new to a table.

A range is ``[start, end)``: from the position that the fetch asked for to the next one. It is
not read off the records, because offsets inside may legally be missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.lake.positions import Positions


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets ``[start, end)`` of one partition.

    Attributes:
        from_log_start: ``start`` was the log's start when the table had never seen the partition.
    """

    topic: str
    partition: int
    start: int
    end: int
    from_log_start: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """The table holds all of it already: drop it."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Offsets from ``start`` on are new; what lies before is covered."""

    start: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The table stands before the range: committing would skip offsets. Seek back and read again.

    ``position`` is ``None`` when the table has never seen the partition.
    """

    position: int | None


def decide(positions: Positions, fetched: Range) -> Covered | Fresh | Behind:
    """Covered, overlapping, contiguous or behind; the table's recorded position decides."""
    at = positions.next_offset(fetched.topic, fetched.partition)
    if at is None:
        return Fresh(fetched.start) if fetched.from_log_start else Behind(None)
    if fetched.end <= at:
        return Covered()
    if fetched.start <= at:
        return Fresh(at)
    return Behind(at)
