"""What is to be told of partitions: how ours stand, against what was told of them last. Pure.

Told by level, not by edge: whatever was lost, told late or told by a worker that is gone, the
owner's word follows, and nothing is told twice. A stop that is tried again every few seconds lasts
while that fails: that its partition is consumed is told once it has been for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from services.stream_writer.partition_batch import PartitionKey
from shared.contracts.event import Event
from shared.contracts.partitions import PartitionResumed, PartitionStopped

SETTLED = frozenset({"log_replaced", "log_truncated", "positions_lost", "too_many_bad_records"})
"""Reasons that somebody settles. What stopped for another one is tried again by itself."""

STEADY_S = 15.0
"""So long such a partition is consumed before that is told: longer than until it fails again, with
the pause before it is tried and the longest interval between commits."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a partition is not consumed: a stable word, a text for the operator, and the command
    that settles it, if one does without further thought."""

    reason: str
    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class _Standing:
    table: str
    stop: Stop | None
    since: datetime


class Notices(Protocol):
    """Who tells others how our partitions stand."""

    def stopped(self, table: str, key: PartitionKey, stop: Stop) -> None:
        """One of our partitions is not consumed."""

    def flows(self, table: str, key: PartitionKey) -> None:
        """One of our partitions is consumed."""

    def released(self, key: PartitionKey) -> None:
        """A partition is no longer ours: its next owner tells of it."""


class PartitionBoard:
    """How our partitions stand, and what the topic says of all of them.

    A partition that is being settled, or is no longer ours, keeps what was told of it.
    """

    def __init__(
        self, worker: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._ours: dict[PartitionKey, _Standing] = {}
        self._told: dict[PartitionKey, str] = {}

    def stopped(self, table: str, key: PartitionKey, stop: Stop, at: datetime) -> None:
        """One of ours is not consumed."""
        before = self._ours.get(key)
        if before is None or before.stop is None or before.stop.reason != stop.reason:
            self._ours[key] = _Standing(table, stop, at)

    def flows(self, table: str, key: PartitionKey, at: datetime) -> None:
        """One of ours is consumed."""
        before = self._ours.get(key)
        if before is None or before.stop is not None:
            self._ours[key] = _Standing(table, None, at)

    def released(self, key: PartitionKey) -> None:
        """It is no longer ours."""
        self._ours.pop(key, None)

    def heard(self, event: Event) -> None:
        """The topic says so, whoever told it."""
        if isinstance(event, PartitionStopped):
            self._told[event.topic, event.partition] = event.reason
        elif isinstance(event, PartitionResumed):
            self._told.pop((event.topic, event.partition), None)

    def due(self) -> list[Event]:
        """What is to be told now; :meth:`heard` takes each once it is told."""
        found: list[Event] = []
        for key, standing in sorted(self._ours.items(), key=lambda item: item[0]):
            told, stop = self._told.get(key), standing.stop
            topic, partition = key
            if stop is not None and told != stop.reason:
                found.append(
                    PartitionStopped(
                        topic=topic,
                        partition=partition,
                        table=standing.table,
                        reason=stop.reason,
                        detail=stop.text,
                        command=stop.command,
                        worker=self._worker,
                        stopped_at=standing.since,
                    )
                )
            elif stop is None and told is not None and self._left_s(standing, told) <= 0:
                found.append(
                    PartitionResumed(
                        topic=topic,
                        partition=partition,
                        table=standing.table,
                        worker=self._worker,
                        resumed_at=standing.since,
                    )
                )
        return found

    def due_in(self) -> float | None:
        """Seconds until more is to be told though nothing happens; ``None``: nothing is."""
        left = [
            self._left_s(standing, told)
            for key, standing in self._ours.items()
            if standing.stop is None and (told := self._told.get(key)) is not None
        ]
        return None if not left else max(0.0, min(left))

    def _left_s(self, standing: _Standing, told: str) -> float:
        """Seconds until it is told that a partition is consumed which was told to have stopped."""
        if told in SETTLED:
            return 0.0
        return (standing.since + timedelta(seconds=STEADY_S) - self._clock()).total_seconds()
