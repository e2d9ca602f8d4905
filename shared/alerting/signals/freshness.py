"""How far tables are behind: open waves, what derived tables lack, how late rows came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.runtime.open_waves import Waves
from shared.tables.lineage import Tables, layer

STALENESS = "lakehouse_table_staleness_seconds"
DELAY = "lakehouse_table_delay_seconds"
MISSED = "lakehouse_table_objective_missed"
WAVE_AGE = "lakehouse_wave_age_seconds"

MOVING_S = 60.0
"""So long after a commit its delay counts against the objective; later nothing moves."""


@dataclass(frozen=True, slots=True)
class Objectives:
    """Largest delay that is meant to be, in seconds."""

    landing_s: float = 5.0
    derived_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Late:
    """How late the rows of a commit were, and when it was."""

    delay_s: float
    at: float


class Freshness(Following):
    """Follows the commits of all tables.

    A landing table that something is derived from has a wave's age from the start. Other series
    begin when a table is announced; of one that was never built once something landed for it, as
    it is as stale as any. One that was dropped has none before it is announced again.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({STALENESS, DELAY, MISSED, WAVE_AGE})

    def __init__(self, tables: Tables, objectives: Objectives | None = None) -> None:
        super().__init__()
        self._tables = tables
        self._objectives = objectives or Objectives()
        self._waves = Waves(tables)
        self._derived = frozenset(self._waves.derived)
        self._announced: set[str] = set()
        self._dropped: set[str] = set()
        self._late: dict[str, _Late] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table."""
        if not isinstance(event, TableCommitted) or event.table not in self._tables:
            return NOTHING
        missing = self._waves.oldest_for(event.table)
        if not self._waves.committed(self._as_wave(event)):
            return NOTHING
        self._announced.add(event.table)
        self._dropped.discard(event.table)
        at, since = event.committed_at.timestamp(), None
        if event.table in self._derived:
            left = self._waves.oldest_for(event.table)
            if missing is not None and missing != left:
                since = missing.committed_at
        elif event.added_rows and not event.only_moved:
            since = event.oldest_received_at
        if since is not None:
            self._late[event.table] = _Late(max(0.0, at - since.timestamp()), at)
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        self._waves.gone(table)
        self._late.pop(table, None)
        self._dropped |= {table} & self._derived
        self._announced.discard(table)
        return self.names if table in self._tables else NOTHING

    def unprocessed(self, target: str) -> bool:
        """Whether the target lacks a landing commit."""
        return self._waves.oldest_for(target) is not None

    def vectors(self, now: float) -> Mapping[str, Vector]:
        """Ages are counted up to ``now``."""
        staleness: dict[Labels, float] = {}
        delay: dict[Labels, float] = {}
        missed: dict[Labels, float] = {}
        never = self._derived - self._announced - self._dropped
        unbuilt = {name for name in never if self.unprocessed(name)}
        for name in self._announced | unbuilt:
            series = labels(layer=layer(name), table=name)
            stale = 0.0
            if name in self._derived:
                stale = staleness[series] = self._stale(name, now)
            late = self._late.get(name)
            if late is not None or stale:
                delay[series] = max(stale, 0.0 if late is None else late.delay_s)
            moving = late is not None and now - late.at <= MOVING_S
            present = max(stale, late.delay_s if late is not None and moving else 0.0)
            missed[series] = float(present > self._objective(name))
        return {STALENESS: staleness, DELAY: delay, MISSED: missed, WAVE_AGE: self._ages(now)}

    def _as_wave(self, event: TableCommitted) -> TableCommitted:
        """Of before the start a table's last commit may be all that is known. If that only moved
        rows, it stands for the one below it, whose offsets it carries: the wave is open, and at
        least as old."""
        if self.history and event.only_moved and event.offsets:
            return event.model_copy(update={"operation": "append"})
        return event

    def _stale(self, name: str, now: float) -> float:
        wave = self._waves.oldest_for(name)
        return 0.0 if wave is None else max(0.0, now - wave.committed_at.timestamp())

    def _ages(self, now: float) -> Vector:
        ages: dict[Labels, float] = {}
        for name in self._waves.landing:
            wave = self._waves.oldest_of(name)
            age = 0.0 if wave is None else max(0.0, now - wave.committed_at.timestamp())
            ages[labels(table=name)] = age
        return ages

    def _objective(self, name: str) -> float:
        derived = self._tables[name].derived is not None
        return self._objectives.derived_s if derived else self._objectives.landing_s
