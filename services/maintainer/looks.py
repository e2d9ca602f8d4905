"""What the last look at each table found, for ``GET /plan``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from shared.contracts.plans import MaintenancePlans, PlannedMaintenance
from shared.lake.maintenance.looking import Looked, planned


class Looks:
    """The last looks of one worker."""

    def __init__(self) -> None:
        self._found: dict[str, PlannedMaintenance] = {}

    def keep(self, tables: Collection[str]) -> None:
        """Forget all other tables."""
        self._found = {name: each for name, each in self._found.items() if name in tables}

    def looked(self, table: str, found: Looked, now: datetime) -> None:
        """A table was looked at."""
        self._found[table] = planned(table, found, now)

    def told(self, conditions: Mapping[str, str], now: datetime) -> MaintenancePlans:
        """All of it, with what is being done about each table."""
        return MaintenancePlans(
            planned_at=now,
            tables=tuple(
                self._found.get(table, PlannedMaintenance(table=table)).model_copy(
                    update={"state": state}
                )
                for table, state in sorted(conditions.items())
            ),
        )
