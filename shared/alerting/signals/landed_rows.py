"""How many rows landed, and how many of them are bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.runtime.seen_commits import SeenCommits
from shared.tables.lineage import Tables

LANDED = "lakehouse_rows_landed_total"
BAD = "lakehouse_rows_bad_total"


class LandedRows(Following):
    """Counts the rows of commits, each commit once, by landing table; all have series at once."""

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({LANDED, BAD})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        landing = [name for name, spec in tables.items() if spec.topics]
        self._landed: Counter[str] = Counter(dict.fromkeys(landing, 0))
        self._bad = self._landed.copy()
        self._seen = SeenCommits()

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table; those of before the start are not counted."""
        if not isinstance(event, TableCommitted) or event.table not in self._landed:
            return NOTHING
        if not self._seen.first_time(event) or self.history or event.only_moved:
            return NOTHING
        self._landed[event.table] += event.added_rows
        self._bad[event.table] += event.errors
        return self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """One series for every landing table."""
        return {
            name: {labels(table=table): float(n) for table, n in counts.items()}
            for name, counts in {LANDED: self._landed, BAD: self._bad}.items()
        }
