"""Waves: commits of landing tables on their way through everything derived from them.

Follows from TableCommitted events alone. A landing table's commit says by ``offsets`` what it
holds, a derived one's by ``complete``; a wave is open until every descendant's ``complete`` covers
the ``offsets`` of its commit. Pure. Nothing is decided by it: it names and counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.tables import Offsets, TableCommitted
from shared.tables.lineage import Tables, downstream, upstream

MAX_OPEN = 10_000
"""Open waves remembered per landing table; beyond it the newest two become one."""


@dataclass(frozen=True, slots=True)
class Wave:
    """One open wave."""

    table: str
    sequence_number: int
    committed_at: datetime
    offsets: Offsets

    @property
    def id(self) -> str:
        """``<landing table>/<sequence number>``."""
        return f"{self.table}/{self.sequence_number}"


class Waves:
    """The waves that are open, as far as events have been seen.

    A worker that begins sees the last commit of every table first, so of waves that were open then
    only the newest of each table is known.
    """

    def __init__(self, tables: Tables) -> None:
        landing = [name for name, spec in tables.items() if spec.topics]
        self._readers = {name: below for name in landing if (below := downstream(name, tables))}
        self._above = {
            name: sorted(upstream(name, tables) & self._readers.keys())
            for name, spec in tables.items()
            if spec.derived is not None
        }
        self._open: dict[str, deque[Wave]] = {name: deque() for name in self._readers}
        self._complete: dict[str, Offsets] = {}
        self._seen: dict[str, tuple[str, int]] = {}
        self._begun: dict[str, datetime] = {}

    def committed(self, event: TableCommitted) -> bool:
        """Take in one commit; whether it is a new one. Repeated and older ones change nothing."""
        uuid, number = self._seen.get(event.table, (event.uuid, -1))
        same = uuid == event.uuid
        if same and event.sequence_number <= number:
            return False
        self._seen[event.table] = (event.uuid, event.sequence_number)
        brought = self.oldest_for(event.table)
        self._begun[event.table] = event.committed_at if brought is None else brought.committed_at
        if event.table in self._readers:
            self._landed(event, same)
        elif event.table in self._above:
            self._derived(event)
        return True

    def oldest_for(self, target: str) -> Wave | None:
        """The oldest open wave that the target does not hold."""
        complete = self._complete.get(target, {})
        missing = [
            wave
            for table in self._above.get(target, ())
            if (wave := _first(self._open[table], complete)) is not None
        ]
        return min(missing, key=lambda wave: wave.committed_at, default=None)

    def begun(self, event: TableCommitted) -> datetime:
        """When the oldest of the waves began that the table's last commit has brought on.

        Not the oldest open one: what waits for a table that fails must not make everything that
        reads it urgent for ever.
        """
        return self._begun.get(event.table, event.committed_at)

    def open(self) -> int:
        """How many waves are open."""
        return sum(len(waves) for waves in self._open.values())

    def oldest(self) -> Wave | None:
        """The oldest open wave."""
        first = [waves[0] for waves in self._open.values() if waves]
        return min(first, key=lambda wave: wave.committed_at, default=None)

    def _landed(self, event: TableCommitted, same: bool) -> None:
        waves = self._open[event.table]
        if not same:
            waves.clear()
        if not event.offsets or event.only_moved:
            return  # maintenance, another engine: nothing that a topic brought
        wave = Wave(event.table, event.sequence_number, event.committed_at, event.offsets)
        if self._held_everywhere(wave):
            return
        if len(waves) >= MAX_OPEN:
            waves.pop()
        waves.append(wave)

    def _derived(self, event: TableCommitted) -> None:
        if event.complete:
            self._complete[event.table] = event.complete
        for table in self._above[event.table]:
            waves = self._open[table]
            while waves and self._held_everywhere(waves[0]):
                waves.popleft()

    def _held_everywhere(self, wave: Wave) -> bool:
        return all(
            covers(self._complete.get(reader, {}), wave.offsets)
            for reader in self._readers[wave.table]
        )


def covers(complete: Offsets, offsets: Offsets) -> bool:
    """Whether every partition is complete up to its offset."""
    return all(
        complete.get(topic, {}).get(partition, 0) >= offset
        for topic, partitions in offsets.items()
        for partition, offset in partitions.items()
    )


def _first(waves: deque[Wave], complete: Offsets) -> Wave | None:
    return next((wave for wave in waves if not covers(complete, wave.offsets)), None)
