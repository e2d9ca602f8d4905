"""How many rows landed, how many of them are bad, and how many staging refused."""

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
from shared.tables.lineage import Tables, upstream

LANDED = "lakehouse_rows_landed_total"
BAD = "lakehouse_rows_bad_total"
QUARANTINED = "lakehouse_rows_quarantined_total"

REJECTED = "_rejected"
"""How the names end of tables that hold what the rules of staging refused."""


class LandedRows(Following):
    """Counts the rows of commits, each commit once, by landing table; all have series at once.

    Of refused rows what counts is by how much their table grows: one that is built anew writes all
    of its rows again.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({LANDED, BAD, QUARANTINED})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        landing = [name for name, spec in tables.items() if spec.topics]
        self._landed: Counter[str] = Counter(dict.fromkeys(landing, 0))
        self._bad = self._landed.copy()
        self._sources = {
            name: sorted(upstream(name, tables) & set(landing))
            for name in tables
            if name.endswith(REJECTED)
        }
        self._quarantined: Counter[str] = Counter(
            dict.fromkeys(sorted({each for found in self._sources.values() for each in found}), 0)
        )
        self._seen = SeenCommits()
        self._rows: dict[str, int] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table; those of before the start are not counted."""
        if not isinstance(event, TableCommitted):
            return NOTHING
        landing, refusing = event.table in self._landed, event.table in self._sources
        if not (landing or refusing) or not self._seen.first_time(event):
            return NOTHING
        grown = self._grown(event) if refusing else 0
        if self.history or event.only_moved:
            return NOTHING
        if landing:
            self._landed[event.table] += event.added_rows
            self._bad[event.table] += event.errors
        for table in self._sources.get(event.table, ()):
            self._quarantined[table] += grown
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: if it comes back, it begins empty."""
        self._rows.pop(table, None)
        return NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """One series for every landing table; of refused rows for those whose rows can be."""
        counters = {LANDED: self._landed, BAD: self._bad, QUARANTINED: self._quarantined}
        return {
            name: {labels(table=table): float(n) for table, n in counts.items()}
            for name, counts in counters.items()
        }

    def _grown(self, event: TableCommitted) -> int:
        before, now = self._rows.get(event.table, 0), event.total_rows
        if now is None:
            return event.added_rows
        self._rows[event.table] = now
        return max(0, now - before)
