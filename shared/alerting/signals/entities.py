"""What the last check of the entity index found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceSucceeded
from shared.contracts.topics import MAINTENANCE

COVERAGE = "entity_resolution_coverage_percent"
DUPLICATES = "entity_resolution_duplicate_mappings"


class EntityIndex(Following):
    """Follows the checks of the entity index.

    What is not known has no series: before there is an index, of sources that are not staged or
    have no ids. A check that failed leaves what the one before found.
    """

    reads: ClassVar[frozenset[str]] = frozenset({MAINTENANCE})
    names = frozenset({COVERAGE, DUPLICATES})

    def __init__(self) -> None:
        super().__init__()
        self._last: MaintenanceSucceeded | None = None

    def event(self, event: Event) -> frozenset[str]:
        """The end of a job; of interest when it was a check of the index."""
        if not isinstance(event, MaintenanceSucceeded) or event.job != "quality":
            return NOTHING
        if self._last is not None and event.succeeded_at < self._last.succeeded_at:
            return NOTHING
        changed = self._last is None or self._last.quality != event.quality
        self._last = event
        return self.names if changed else NOTHING

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: if it is the index, nothing is known of it."""
        if self._last is None or self._last.table != table:
            return NOTHING
        self._last = None
        return self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """Per cent of each source that has ids, and how many records are in the index twice."""
        quality = None if self._last is None else self._last.quality
        if quality is None:
            return {COVERAGE: {}, DUPLICATES: {}}
        coverage: dict[Labels, float] = {
            labels(source=each.source): each.coverage_pct
            for each in quality.source_stats
            if each.staged and each.coverage_pct is not None
        }
        return {COVERAGE: coverage, DUPLICATES: {labels(): float(quality.duplicate_mappings)}}
