"""How long readers have recorded states of tables that are not the newest."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.tables import SourcePosition, TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.runtime.seen_commits import SeenCommits
from shared.tables.lineage import Tables, reads

FLOOR_AGE = "lakehouse_reader_floor_age_seconds"

REMEMBERED = 1_000
"""Commits of a table of which it is known when each was."""
MINUTES = 25 * 60
"""Minutes before these of which it is known when their first commit was. To a reader that is
further behind the oldest of them is what superseded its state."""


class _Commits:
    """The last commits of one table that brought something: sequence numbers and times."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self._numbers: deque[int] = deque()
        self._times: deque[float] = deque()
        self._old_numbers: deque[int] = deque(maxlen=MINUTES)
        self._old_times: deque[float] = deque(maxlen=MINUTES)

    def committed(self, number: int, at: float) -> None:
        self._numbers.append(number)
        self._times.append(at)
        if len(self._numbers) <= REMEMBERED:
            return
        number, at = self._numbers.popleft(), self._times.popleft()
        if not self._old_times or at // 60 != self._old_times[-1] // 60:
            self._old_numbers.append(number)
            self._old_times.append(at)

    def after(self, number: int) -> float | None:
        """When the first commit behind this one was, of old ones to a minute; ``None``: there is
        none."""
        if not self._numbers or self._numbers[-1] <= number:
            return None
        found = bisect_right(self._old_numbers, number)
        if found < len(self._old_numbers):
            return self._old_times[found]
        return self._times[bisect_right(self._numbers, number)]


class ReaderFloors(Following):
    """Follows what derived tables have recorded of those that they read.

    Expiry keeps what a reader has recorded for a day after it was superseded. What only moved rows
    supersedes nothing here: readers need not follow it at once.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({FLOOR_AGE})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self._reads = {name: reads(spec) for name, spec in tables.items() if reads(spec)}
        self._read = frozenset(each for found in self._reads.values() for each in found)
        self._seen = SeenCommits()
        self._commits: dict[str, _Commits] = {}
        self._recorded: dict[tuple[str, str], SourcePosition] = {}
        self._superseded: dict[tuple[str, str], float] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table."""
        if not isinstance(event, TableCommitted):
            return NOTHING
        if event.table not in self._read and event.table not in self._reads:
            return NOTHING
        if not self._seen.first_time(event):
            return NOTHING
        for source, position in event.sources.items():
            if source in self._reads.get(event.table, ()):
                self._records(source, event.table, position)
        if event.table in self._read and not event.only_moved:
            self._committed(event)
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: nobody reads it, and it reads none."""
        self._commits.pop(table, None)
        found = [key for key in self._recorded if table in key]
        for key in found:
            del self._recorded[key]
            self._superseded.pop(key, None)
        return self.names if found else NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:
        """One series for every table and reader that has recorded a state of it."""
        ages: dict[Labels, float] = {}
        for table, reader in self._recorded:
            since = self._superseded.get((table, reader))
            age = 0.0 if since is None else max(0.0, now - since)
            ages[labels(table=table, reader=reader)] = age
        return {FLOOR_AGE: ages}

    def _records(self, table: str, reader: str, position: SourcePosition) -> None:
        before = self._recorded.get((table, reader))
        if before == position:
            return
        self._recorded[table, reader] = position
        self._superseded.pop((table, reader), None)
        since = self._since(table, position)
        if since is not None:
            self._superseded[table, reader] = since

    def _committed(self, event: TableCommitted) -> None:
        known = self._commits.get(event.table)
        if known is None or known.uuid != event.uuid:
            known = self._commits[event.table] = _Commits(event.uuid)
        known.committed(event.sequence_number, event.committed_at.timestamp())
        for (table, reader), position in self._recorded.items():
            if table != event.table or (table, reader) in self._superseded:
                continue
            since = self._since(table, position)
            if since is not None:
                self._superseded[table, reader] = since

    def _since(self, table: str, position: SourcePosition) -> float | None:
        known = self._commits.get(table)
        if known is None:
            return None
        return known.after(position.sequence_number if position.uuid == known.uuid else -1)
