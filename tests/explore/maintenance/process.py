"""A process that others act amid of, that is met by faults, and that may be killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.contracts.environment import Environment
from shared.lake.handle import TableHandle
from shared.lake.maintenance.unreferenced import Unreferenced
from shared.lake.sweeping import Sweeper
from tests.explore.process import Killed

if TYPE_CHECKING:
    from tests.explore.maintenance.world import World

PLAIN = Environment()


@dataclass(frozen=True, slots=True)
class Fault:
    """At the ``nth`` request of ``kind``, from 0: ``inner`` further steps, then ``effect``."""

    kind: str
    effect: str
    nth: int
    inner: int


class Process:
    """One process: its connection, what it remembers, and the action that it is in."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.dead = self.busy = False
        self.seen = 0
        """Version of the table that it knows."""
        self.handle = TableHandle(world.catalog, PLAIN, world.spec.name, world.clock.time)
        self.sweeper = Sweeper(clock=world.clock.time)
        self.unreferenced = Unreferenced(clock=world.clock.time)
        self._faults: list[Fault] = []
        self._points: Counter[str] = Counter()
        self._began = 0.0

    @property
    def lasted_s(self) -> float:
        """How long its action has lasted."""
        return self.world.clock.now - self._began

    def act(self, action: Callable[[], object], faults: list[Fault]) -> None:
        """Do something, met by these faults."""
        self._faults, self._began, self.busy = faults, self.world.clock.now, True
        self._points.clear()
        try:
            action()
        finally:
            self.busy = False

    def sleep(self, _: float) -> None:
        """Between two attempts; always as long, for what is asked for is random."""
        self.point("sleep")
        self.world.clock.now += 0.05

    def point(self, kind: str) -> str | None:
        """A request is about to be made, or was answered: others act, a fault, or the end."""
        if self.dead:
            raise Killed
        number, effect = self._points[kind], ""
        self._points[kind] += 1
        for fault in [f for f in self._faults if f.kind == kind and f.nth == number]:
            self._faults.remove(fault)
            self.world.reached[f"{kind}: {fault.effect or 'others'}"] += 1
            self.world.advance(fault.inner)
            effect = fault.effect or effect
        if self.dead or effect == "killed":
            self.dead = True
            raise Killed
        return effect or None
