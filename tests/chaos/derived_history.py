"""What derived tables said of themselves during a run: histories are thinned, so they are noted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pyiceberg.table import Table

from shared.lake.provenance import Provenance
from shared.lake.recorded import ancestors
from shared.lake.table_state import SnapshotEntry, TableState
from shared.runtime.settings import Settings
from shared.tables.registry import derived_tables
from tests.chaos.plain_catalog import PlainTables


@dataclass(frozen=True, slots=True)
class Build:
    """One snapshot of a derived table's main branch, and what it was built from."""

    table: str
    snapshot: SnapshotEntry
    provenance: Provenance


class DerivedHistory:
    """Every build that was seen, as plain PyIceberg shows it."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.environment
        self._tables = PlainTables(settings)
        self._looked_at: dict[str, Table] = {}
        self._seen: dict[tuple[str, int], Build] = {}
        self.states: dict[str, TableState] = {}
        """The tables as they were last looked at."""

    def look(self, names: Collection[str] | None = None) -> None:
        """Note the builds retained now, of some tables or of all."""
        for spec in derived_tables():
            if names is not None and spec.name not in names:
                continue
            loaded = self._tables.load(self._environment.table(spec.name))
            if loaded is self._looked_at.get(spec.name):
                continue
            state = self.states[spec.name] = TableState.of(loaded.metadata)
            for snapshot in ancestors(state):
                place = spec.name, snapshot.sequence_number
                if place in self._seen and self._seen[place].snapshot == snapshot:
                    continue
                provenance = Provenance.from_summary(snapshot.summary)
                if provenance is not None:
                    self._seen[place] = Build(spec.name, snapshot, provenance)
            self._looked_at[spec.name] = loaded

    @property
    def builds(self) -> list[Build]:
        """By table, oldest first."""
        return [build for _, build in sorted(self._seen.items(), key=lambda each: each[0])]
