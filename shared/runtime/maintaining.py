"""Follow a maintenance command: from events to what has become of each table. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from shared.contracts.event import Event
from shared.contracts.maintenance import JobName, MaintenanceFailed, MaintenanceSucceeded

Told = MaintenanceSucceeded | MaintenanceFailed


@dataclass(slots=True)
class Maintaining:
    """What has become of the tables that one command means.

    A table has ended when its last job succeeded, or one has failed and is not tried again. Events
    may come twice.

    Attributes:
        command_id: of the command.
        tables: tables that it means.
        jobs: what is done to each, in order.
        told: (table, job) → how it ended, or how the last attempt failed.
    """

    command_id: str
    tables: Collection[str]
    jobs: tuple[JobName, ...]
    told: dict[tuple[str, str], Told] = field(default_factory=dict)

    def take(self, event: Event) -> Told | None:
        """The event again when it tells something of this command, otherwise ``None``."""
        if not isinstance(event, MaintenanceSucceeded | MaintenanceFailed):
            return None
        if event.command_id != self.command_id or event.table not in self.waiting:
            return None
        if event.job not in self.jobs:
            return None
        self.told[event.table, event.job] = event
        return event

    @property
    def waiting(self) -> tuple[str, ...]:
        """Tables that have not ended, in their order."""
        return tuple(table for table in self.tables if not self._ended(table))

    @property
    def failed(self) -> tuple[MaintenanceFailed, ...]:
        """The failures that are not tried again."""
        return tuple(
            each
            for each in self.told.values()
            if isinstance(each, MaintenanceFailed) and not each.will_retry
        )

    def _ended(self, table: str) -> bool:
        told = [self.told.get((table, job)) for job in self.jobs]
        if any(isinstance(each, MaintenanceFailed) and not each.will_retry for each in told):
            return True
        return all(isinstance(each, MaintenanceSucceeded) for each in told)
