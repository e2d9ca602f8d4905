"""Whether jobs of maintenance fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.topics import MAINTENANCE

FAILED = "lakehouse_maintenance_job_failed"


@dataclass(frozen=True, slots=True)
class _Ended:
    at: float
    failed: bool


class Maintenance(Following):
    """Follows how jobs end. A command that failed is told to who gave it, and to nobody else."""

    reads: ClassVar[frozenset[str]] = frozenset({MAINTENANCE})
    names = frozenset({FAILED})

    def __init__(self) -> None:
        super().__init__()
        self._ended: dict[tuple[str, str], _Ended] = {}

    def event(self, event: Event) -> frozenset[str]:
        """The end of a job. An older one than is known, told again, changes nothing."""
        if not isinstance(event, MaintenanceSucceeded | MaintenanceFailed):
            return NOTHING
        failed = isinstance(event, MaintenanceFailed)
        if failed and event.cause == "command":
            return NOTHING
        ended = _Ended(event.event_time().timestamp(), failed)
        last = self._ended.get((event.table, event.job))
        if last is not None and (ended.at < last.at or ended == last):
            return NOTHING
        self._ended[event.table, event.job] = ended
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        found = [key for key in self._ended if key[0] == table]
        for key in found:
            del self._ended[key]
        return self.names if found else NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """Jobs of which no run is known have no series."""
        return {
            FAILED: {
                labels(maintenance_job=job, table=table): float(ended.failed)
                for (table, job), ended in self._ended.items()
            }
        }
