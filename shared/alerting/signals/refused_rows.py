"""How many rows staging has judged, and how many of these it refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.tables import Offsets, TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.runtime.seen_commits import SeenCommits
from shared.tables.lineage import Tables, upstream

JUDGED = "lakehouse_rows_judged_total"
QUARANTINED = "lakehouse_rows_quarantined_total"

REJECTED = "_rejected"
"""How the names end of tables that hold what the rules of staging refused."""

APPEND = "append"
"""What a commit calls itself that only brings rows (Iceberg spec, "Snapshots")."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a table of refused rows stood at the last commit that was seen of it."""

    uuid: str
    snapshot_id: int
    complete: Offsets


class RefusedRows(Following):
    """Counts by landing table what is judged for the first time, and what of it is refused.

    Both follow from the same commits, those of the tables of refused rows, so one is a share of the
    other however late they are built: how far such a table is complete moves on by the records
    that were judged, and rows come for those that were refused. A commit that does anything else
    judges again and counts for neither: one that publishes a rebuild or takes rows away, or one on
    top of a state that was not seen, as after a rollback.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({JUDGED, QUARANTINED})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        landing = {name: spec.topics for name, spec in tables.items() if spec.topics}
        self._topics = {
            name: {each: landing[each] for each in sorted(upstream(name, tables) & landing.keys())}
            for name in tables
            if name.endswith(REJECTED)
        }
        known = sorted({each for found in self._topics.values() for each in found})
        self._judged: Counter[str] = Counter(dict.fromkeys(known, 0))
        self._refused = self._judged.copy()
        self._first = SeenCommits()
        self._seen: dict[str, _Seen] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table; those of before the start are not counted."""
        if not isinstance(event, TableCommitted) or event.table not in self._topics:
            return NOTHING
        if not self._first.first_time(event):
            return NOTHING
        before = self._seen.get(event.table)
        if before is not None and before.uuid != event.uuid:
            before = None
        complete: Offsets = {} if before is None else before.complete
        self._seen[event.table] = _Seen(event.uuid, event.snapshot_id, event.complete or complete)
        on_top = event.parent_snapshot_id == (None if before is None else before.snapshot_id)
        if self.history or event.operation != APPEND or not on_top:
            return NOTHING
        changed = NOTHING
        for table, topics in self._topics[event.table].items():
            if judged := _advance(complete, event.complete, topics):
                self._judged[table] += judged
                self._refused[table] += min(event.added_rows, judged)
                changed = self.names
        return changed

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: if it comes back, it judges everything."""
        self._seen.pop(table, None)
        return NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """One series for every landing table whose rows can be refused."""
        return {
            name: {labels(table=table): float(n) for table, n in counts.items()}
            for name, counts in {JUDGED: self._judged, QUARANTINED: self._refused}.items()
        }


def _advance(before: Offsets, now: Offsets, topics: tuple[str, ...]) -> int:
    """By how many records of these topics a table is complete further; a log that begins anew has
    brought none."""
    return sum(
        max(0, offset - before.get(topic, {}).get(partition, 0))
        for topic in topics
        for partition, offset in now.get(topic, {}).items()
    )
