"""How long a landing table has got no rows, and how long that may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.alerting.signals.recalling import both
from shared.alerting.signals.rhythm import Remembered, Rhythm
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.tables.lineage import Tables

SILENCE = "lakehouse_landing_silence_seconds"
EXPECTED = "lakehouse_landing_expected_silence_seconds"

LEARNED_AFTER_S = 86_400.0
LEARNED_AFTER_TIMES = 20
SLACK = 1.5
SLACK_ABOUT = 2.0
"""Of the longest gap about this time of day: of fewer gaps the longest says less."""
LEAST_S = 1800.0


class Silence(Following):
    """Follows the commits that bring rows to landing tables of sources.

    Args:
        tables: declarations; of these the landing tables of the layer ``raw``.
        expected: table → longest silence in seconds that is normal, declared or set. Of others it
            is learned: half as much again as the longest gap of the last week, and no more than
            twice the longest about this time of day, as a night is no measure of a noon. It is not
            known before a day and twenty arrivals have been seen.
        remembered: what an earlier source had learned.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({SILENCE, EXPECTED})

    def __init__(
        self,
        tables: Tables,
        expected: Mapping[str, float] | None = None,
        remembered: Mapping[str, Remembered] | None = None,
    ) -> None:
        super().__init__()
        self._tables = frozenset(
            name for name, spec in tables.items() if spec.topics and name.startswith("raw.")
        )
        self._expected = dict(expected or {})
        self._rhythms = {
            name: Rhythm(kept) for name, kept in (remembered or {}).items() if name in self._tables
        }
        self._recalled: dict[str, Remembered] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table; of interest when it brought rows.

        Deliveries that were accepted long before it were held up on their way: their source was not
        silent for so long. Of before the start a table's last commit may be all that is known:
        if there are rows in it, the last of them came then at the latest.
        """
        if not isinstance(event, TableCommitted) or event.table not in self._tables:
            return NOTHING
        if event.only_moved or not event.added_rows:
            rows_of_before = self.history and event.total_rows
            if not rows_of_before or event.table in self._rhythms:
                return NOTHING
        received = event.oldest_received_at
        due = None if received is None else received.timestamp()
        if event.table not in self._rhythms:
            self._rhythms[event.table] = Rhythm(self._recalled.pop(event.table, None))
        rhythm = self._rhythms[event.table]
        return self.names if rhythm.happened(event.committed_at.timestamp(), due) else NOTHING

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        self._recalled.pop(table, None)
        return NOTHING if self._rhythms.pop(table, None) is None else self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:
        """A table that never got rows has no silence."""
        silence: dict[Labels, float] = {}
        expected: dict[Labels, float] = {}
        for name, rhythm in self._rhythms.items():
            if rhythm.last is not None:
                silence[labels(table=name)] = max(0.0, now - rhythm.last)
        for name in self._tables:
            longest = self._expected.get(name) or self._learned(name, now)
            if longest is not None:
                expected[labels(table=name)] = longest
        return {SILENCE: silence, EXPECTED: expected}

    def recall(self, table: str, known: Remembered) -> None:
        """Somebody else has learned this. Of a table of which nothing was heard here it counts once
        something is: there may be no such table any more."""
        if table in self._rhythms:
            self._rhythms[table] = Rhythm(both(self._rhythms[table].remembered(), known))
        elif table in self._tables:
            self._recalled[table] = both(self._recalled.get(table, known), known)

    def remembered(self) -> dict[str, Remembered]:
        """What was learned, to be kept over a restart."""
        return {name: rhythm.remembered() for name, rhythm in self._rhythms.items()}

    def _learned(self, name: str, now: float) -> float | None:
        rhythm = self._rhythms.get(name)
        if rhythm is None or rhythm.first is None or rhythm.last is None:
            return None
        longest = rhythm.longest_gap_s
        if longest is None or rhythm.times < LEARNED_AFTER_TIMES:
            return None
        if rhythm.last - rhythm.first < LEARNED_AFTER_S:
            return None
        about = rhythm.longest_gap_about(now)
        normal = SLACK * longest if about is None else min(SLACK * longest, SLACK_ABOUT * about)
        return max(LEAST_S, normal)
