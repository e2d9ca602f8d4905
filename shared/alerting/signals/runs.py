"""Runs, under the names that dashboards of scheduled pipelines know: a run is a wave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.builds import BuildFailed
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import BUILDS, COMMITS, TABLES
from shared.runtime.open_waves import Waves
from shared.tables.lineage import Tables, upstream

SUCCEEDED = "iceberg_pipeline_last_success_timestamp"
FAILED = "iceberg_pipeline_last_failure_timestamp"
SECONDS = "iceberg_pipeline_run_duration_seconds"

_SERIES = labels(dag_id="iceberg_pipeline")
"""There was one pipeline, and its name is what queries ask for."""


class Runs(Following):
    """Follows waves to their ends, and builds that were given up.

    What has not happened has no series. After a start the last success is the last commit of a
    derived table behind which nothing was open; how long a run took is known of waves that were
    seen to begin.
    """

    reads: ClassVar[frozenset[str]] = frozenset({BUILDS, COMMITS, TABLES})
    names = frozenset({SUCCEEDED, FAILED, SECONDS})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self._waves = Waves(tables)
        landing = frozenset(self._waves.landing)
        self._above = {name: upstream(name, tables) & landing for name in self._waves.derived}
        self._last: dict[str, float] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, the last state of a table, or the end of a build. Rows that moved are no run;
        of before the start they may be all that is known, and say that there was one."""
        if isinstance(event, BuildFailed) and not event.will_retry:
            return self._reached(FAILED, event.failed_at.timestamp())
        if not isinstance(event, TableCommitted):
            return NOTHING
        above = self._above.get(event.table, ())
        before = {name: self._waves.oldest_of(name) for name in above}
        if not self._waves.committed(event) or (event.only_moved and not self.history):
            return NOTHING
        at, changed = event.committed_at.timestamp(), NOTHING
        for name, oldest in before.items():
            left = self._waves.oldest_of(name)
            if left is None or left != oldest:
                changed |= self._reached(SUCCEEDED, at)
            if oldest is not None and left != oldest:
                self._last[SECONDS] = max(0.0, at - oldest.committed_at.timestamp())
                changed |= {SECONDS}
        return changed

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: nothing waits for it."""
        self._waves.gone(table)
        return NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """One series each, once there is something to tell."""
        return {
            name: {_SERIES: self._last[name]} if name in self._last else {} for name in self.names
        }

    def _reached(self, name: str, at: float) -> frozenset[str]:
        if at <= self._last.get(name, 0.0):
            return NOTHING
        self._last[name] = at
        return frozenset({name})
