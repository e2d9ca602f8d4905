"""What the last check of the entity index found, as gauges."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from services.maintainer.quality import CHECKED
from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceSucceeded
from shared.runtime.metrics import Instruments


class QualityMetrics:
    """Exposed by the worker that has the index, and by no other; fed by outcomes, those of before
    its start and of other workers among them.

    What is not known has no series: before there is an index, of sources that are not staged or
    have no ids. A check that failed leaves what the one before found.
    """

    def __init__(self, instruments: Instruments) -> None:
        self._coverage = instruments.gauge("entity_resolution_coverage_percent")
        self._duplicates = instruments.absent_gauge("entity_resolution_duplicate_mappings")
        self._ours = False
        self._latest: datetime | None = None

    def own(self, tables: Collection[str]) -> None:
        """These tables are ours."""
        self._ours = CHECKED in tables
        if not self._ours:
            self._latest = None
            self._forget()

    def event(self, event: Event) -> None:
        """A job has ended, now or earlier."""
        if not self._ours or not isinstance(event, MaintenanceSucceeded):
            return
        if event.job != "quality" or (self._latest and event.succeeded_at < self._latest):
            return
        self._latest = event.succeeded_at
        self._forget()
        if event.quality is None:
            return
        self._duplicates.set(event.quality.duplicate_mappings)
        for each in event.quality.source_stats:
            if each.staged and each.coverage_pct is not None:
                self._coverage.labels(each.source).set(each.coverage_pct)

    def _forget(self) -> None:
        self._coverage.clear()
        self._duplicates.forget()
