"""Waves: commits of landing tables on their way through everything derived from them.

Follows from TableCommitted events alone. A landing table's commit says by ``offsets`` what it
holds, a derived one's by ``complete``; a wave is open until every descendant's ``complete`` covers
the ``offsets`` of its commit. Pure. Nothing is decided by it: it names and counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Open:
    """The open waves of one landing table, and how many of the first ones each reader holds.

    Both are counted from the first wave ever; what a table holds only grows, so each wave is
    compared with each reader about once, however many are open.
    """

    readers: frozenset[str]
    waves: deque[Wave] = field(default_factory=deque)
    gone: int = 0
    held: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.gone + len(self.waves)

    def first_missing(self, reader: str) -> Wave | None:
        index = max(self.held.get(reader, 0), self.gone) - self.gone
        return self.waves[index] if index < len(self.waves) else None

    def hold(self, reader: str, complete: Offsets, *, anew: bool = False) -> None:
        at = self.gone if anew else max(self.held.get(reader, 0), self.gone)
        while at < self.end and covers(complete, self.waves[at - self.gone].offsets):
            at += 1
        self.held[reader] = at

    def drop_held(self) -> None:
        everywhere = min(self.held.get(reader, 0) for reader in self.readers)
        while self.waves and self.gone < everywhere:
            self.waves.popleft()
            self.gone += 1

    def drop_newest(self) -> None:
        self.waves.pop()
        self.held = {reader: min(at, self.end) for reader, at in self.held.items()}

    def drop_all(self) -> None:
        self.gone = self.end
        self.waves.clear()


class Waves:
    """The waves that are open, as far as events have been seen.

    A worker that begins sees the last commit of every table first, so of waves that were open then
    only the newest of each table is known.
    """

    def __init__(self, tables: Tables) -> None:
        landing = [name for name, spec in tables.items() if spec.topics]
        self._open = {name: _Open(below) for name in landing if (below := downstream(name, tables))}
        self._above = {
            name: sorted(upstream(name, tables) & self._open.keys())
            for name, spec in tables.items()
            if spec.derived is not None
        }
        self._complete: dict[str, Offsets] = {}
        self._seen: dict[str, tuple[str, int]] = {}
        self._begun: dict[str, datetime] = {}

    @property
    def landing(self) -> tuple[str, ...]:
        """Landing tables that something is derived from."""
        return tuple(self._open)

    @property
    def derived(self) -> tuple[str, ...]:
        """Tables that are derived from these."""
        return tuple(name for name, above in self._above.items() if above)

    def committed(self, event: TableCommitted) -> bool:
        """Take in one commit; whether it is a new one. Repeated and older ones change nothing."""
        uuid, number = self._seen.get(event.table, (event.uuid, -1))
        same = uuid == event.uuid
        if same and event.sequence_number <= number:
            return False
        self._seen[event.table] = (event.uuid, event.sequence_number)
        brought = self.oldest_for(event.table)
        self._begun[event.table] = event.committed_at if brought is None else brought.committed_at
        if event.table in self._open:
            self._landed(event, same)
        elif event.table in self._above:
            self._derived(event)
        return True

    def gone(self, table: str) -> None:
        """The table is there no more: no wave of it is open, and it holds nothing."""
        self._seen.pop(table, None)
        self._begun.pop(table, None)
        if table in self._open:
            self._open[table].drop_all()
        if self._complete.pop(table, None) is not None:
            for above in self._above.get(table, ()):
                self._open[above].hold(table, {}, anew=True)

    def oldest_for(self, target: str) -> Wave | None:
        """The oldest open wave that the target does not hold."""
        missing = [
            wave
            for table in self._above.get(target, ())
            if (wave := self._open[table].first_missing(target)) is not None
        ]
        return min(missing, key=lambda wave: wave.committed_at, default=None)

    def oldest_of(self, table: str) -> Wave | None:
        """The oldest open wave of a landing table."""
        found = self._open.get(table)
        return found.waves[0] if found is not None and found.waves else None

    def begun(self, event: TableCommitted) -> datetime:
        """When the oldest of the waves began that the table's last commit has brought on.

        Not the oldest open one: what waits for a table that fails must not make everything that
        reads it urgent for ever.
        """
        return self._begun.get(event.table, event.committed_at)

    def open(self) -> int:
        """How many waves are open."""
        return sum(len(each.waves) for each in self._open.values())

    def oldest(self) -> Wave | None:
        """The oldest open wave."""
        first = [each.waves[0] for each in self._open.values() if each.waves]
        return min(first, key=lambda wave: wave.committed_at, default=None)

    def _landed(self, event: TableCommitted, same: bool) -> None:
        found = self._open[event.table]
        if not same:
            found.drop_all()
        if not event.offsets or event.only_moved:
            return  # maintenance, another engine: nothing that a topic brought
        if len(found.waves) >= MAX_OPEN:
            found.drop_newest()
        found.waves.append(
            Wave(event.table, event.sequence_number, event.committed_at, event.offsets)
        )
        for reader in found.readers:
            found.hold(reader, self._complete.get(reader, {}))
        found.drop_held()

    def _derived(self, event: TableCommitted) -> None:
        if not event.complete:
            return
        before = self._complete.get(event.table, {})
        self._complete[event.table] = event.complete
        anew = not covers(event.complete, before)
        for table in self._above[event.table]:
            self._open[table].hold(event.table, event.complete, anew=anew)
            self._open[table].drop_held()


def covers(complete: Offsets, offsets: Offsets) -> bool:
    """Whether every partition is complete up to its offset."""
    return all(
        complete.get(topic, {}).get(partition, 0) >= offset
        for topic, partitions in offsets.items()
        for partition, offset in partitions.items()
    )
