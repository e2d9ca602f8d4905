"""How many files of a table nobody has found to be right as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceSucceeded
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, MAINTENANCE, TABLES
from shared.tables.lineage import Tables, layer

UNCOMPACTED = "lakehouse_table_uncompacted_files"

TOLD_WITHIN = timedelta(days=2)
"""maintainer tells twice a day of tables that rightly have many files: who begins reads so far
back."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """So many files a compaction left, or found nothing to do about, then."""

    files: int
    at: float


class UncompactedFiles(Following):
    """Holds the files of tables against those that compaction has left as they are.

    A table of 150 days has 150 files and needs no compaction, which only maintainer can tell. What
    came since it last did counts, so a maintainer that is gone is noticed by the files that pile
    up. Of a table of which it told nothing all files count.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES, MAINTENANCE})
    names = frozenset({UNCOMPACTED})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self._tables = tables
        self._last: dict[str, TableCommitted] = {}
        self._settled: dict[str, _Settled] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, the last state of a table, or the end of a compaction."""
        if isinstance(event, TableCommitted) and event.table in self._tables:
            return self._committed(event)
        if isinstance(event, MaintenanceSucceeded) and event.job == "compact":
            return self._compacted(event)
        return NOTHING

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        self._settled.pop(table, None)
        return NOTHING if self._last.pop(table, None) is None else self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """A table whose last commit does not tell its files has no series."""
        found: dict[str, float] = {}
        for name, commit in self._last.items():
            if commit.total_files is not None:
                settled = self._settled.get(name)
                known = 0 if settled is None else settled.files
                found[name] = float(max(0, commit.total_files - known))
        return {UNCOMPACTED: {labels(layer=layer(n), table=n): files for n, files in found.items()}}

    def _committed(self, event: TableCommitted) -> frozenset[str]:
        last = self._last.get(event.table)
        anew = last is not None and last.uuid != event.uuid
        if last is not None and not anew and event.sequence_number <= last.sequence_number:
            return NOTHING
        self._last[event.table] = event
        settled = self._settled.get(event.table)
        if settled is not None and settled.at < event.committed_at.timestamp():
            if anew:
                del self._settled[event.table]
            else:
                self._settled[event.table] = _left(settled, event)
        return self.names

    def _compacted(self, event: MaintenanceSucceeded) -> frozenset[str]:
        files, at = event.after.data_files, event.succeeded_at.timestamp()
        before = self._settled.get(event.table)
        if files is None or event.table not in self._tables:
            return NOTHING
        if before is not None and at <= before.at:
            return NOTHING
        settled, last = _Settled(files, at), self._last.get(event.table)
        if last is not None and at < last.committed_at.timestamp():
            settled = _left(settled, last)
        self._settled[event.table] = settled
        return self.names


def _left(settled: _Settled, commit: TableCommitted) -> _Settled:
    """What is left of these files after a commit: no more than the table has."""
    if commit.total_files is None or commit.total_files >= settled.files:
        return settled
    return _Settled(commit.total_files, settled.at)
