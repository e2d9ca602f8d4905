"""Who else acts on the table: engines, our maintenance, operators, a backup of the catalog."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from services.stream_writer.partition_batch import PartitionKey
from shared.lake.adoption import adopt
from shared.lake.commit import Append, Head, commit
from shared.lake.recorded import ancestors, recorded
from shared.lake.thinning import ThinningPlan
from shared.runtime.errors import Refused, Unavailable
from tests.explore.memory_table import MemoryTarget
from tests.explore.process import Fault, Killed
from tests.explore.world import World, fault

BACKUPS = 12
"""How many states back a catalog may come back to."""


class Outsiders:
    """Their steps; a world that has them can take these, too."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._table = world.table
        self._audit = world.audit
        self._made = count(1)
        world.steps |= {
            "arrive": self.arrive,
            "foreign": self.foreign,
            "maintain": self.maintain,
            "expire": self.expire,
            "roll_back": self.roll_back,
            "restore": self.restore,
            "adopt": self.adopt,
        }

    def arrive(self, which: int) -> None:
        """A request that its sender gave up arrives after all, or is lost for good."""
        held = self._table.held
        if not held:
            return
        request = held.pop(which // 2 % len(held))
        if which % 2:
            self._world.count("late request lost")
            return
        try:
            self._table.accept(request)
        except Exception:  # noqa: BLE001 - nobody waits for the answer
            self._world.count("late request refused")
        else:
            self._world.count("late request accepted")

    def foreign(self, operation: int) -> None:
        """Another engine commits; its head does not say what we have consumed."""
        state, now = self._table.state, int(self._world.clock.now * 1000)
        if state.current_snapshot_id is not None:
            summary = {"operation": ("append", "replace", "delete")[operation % 3]}
            request = self._table.request(state, (), summary, now, None, ThinningPlan())
            self._table.accept(request)

    def maintain(self) -> None:
        """Our own maintenance: a snapshot that repeats the map of the head it commits on."""

        def decide(head: Head, _: bool) -> Append | None:
            positions = head.recorded.positions
            return None if positions is None else Append((), positions)

        commit(
            self._target(None),
            decide,
            commit_id=f"maintenance {next(self._made)}",
            writer="maintainer",
            sleep=lambda _: None,
        )

    def expire(self, retained: int) -> None:
        """Another engine expires snapshots, whatever we think of it."""
        state = self._table.state
        named = {state.current_snapshot_id, *(ref.snapshot_id for ref in state.refs.values())}
        gone = {s.snapshot_id for s in state.snapshots[:-retained]} - named
        self._audit.expired |= gone
        kept = tuple(s for s in state.snapshots if s.snapshot_id not in gone)
        self._table.put(msgspec.structs.replace(state, snapshots=kept))

    def roll_back(self, back: int) -> None:
        """An operator makes an earlier snapshot the head."""
        chain = list(ancestors(self._table.state))
        if len(chain) > 1:
            head = chain[min(back, len(chain) - 1)].snapshot_id
            state = self._table.state
            self._table.put(msgspec.structs.replace(state, current_snapshot_id=head))

    def restore(self, back: int) -> None:
        """The catalog comes back from an older backup."""
        states = self._table.history[-BACKUPS:]
        state = states[-1 - min(back, len(states) - 1)]
        if state.current_snapshot_id is not None:
            self._audit.restored(self._table.state)
            self._table.put(state)

    # -- an operator who settles what is stopped ----------------------------------------------

    def adopt(self, number: int, met: int, inner: int) -> None:
        """An operator does what the text of a stopped partition says.

        Where nothing is stopped yet, who has made a topic anew may say so at once.
        """
        logs = self._world.logs
        advice = self.advice() or {
            key: self._audit.runs(key)[-1].next
            if self._audit.runs(key) and self._audit.same_log(key)
            else log.bounds.start
            for key, log in logs.items()
        }
        key = sorted(advice)[number % len(advice)]
        lost = recorded(self._table.state).positions is None
        self.state_positions(advice if lost else {key: advice[key]}, fault(met, inner))

    def advice(self) -> dict[PartitionKey, int]:
        """Partitions that are stopped now, and where their texts tell to go on."""
        found: dict[PartitionKey, int] = {}
        for worker in self._world.workers:
            for key, reason in worker.stopped.items():
                bounds, runs = self._world.logs[key].bounds, self._audit.runs(key)
                at = runs[-1].next if runs else bounds.start
                if reason == "positions_lost" and self._audit.same_log(key):
                    found[key] = at  # which the operator has to find out
                else:
                    lost_tail = bounds.start < bounds.end < at
                    found[key] = bounds.end if lost_tail else bounds.start
        return found

    def state_positions(self, at: dict[PartitionKey, int], met: Fault | None = None) -> None:
        """``bergline offsets adopt``."""
        name = f"statement {next(self._made)}"
        self._audit.statements[name] = {key: self._world.logs[key].number for key in at}
        if recorded(self._table.state).positions is None:
            self._audit.begins_anew.add(name)
        try:
            adopt(
                self._target(met),
                at,
                reason=name,
                actor="operator",
                every=self._world.logs.keys(),
                clock=self._world.clock,
                sleep=lambda _: None,
            )
        except (Refused, Unavailable, Killed):
            self._world.count("statement not made")

    def _target(self, met: Fault | None) -> Any:
        faults = [] if met is None else [met]

        def point(kind: str) -> str | None:
            if not faults or faults[0].kind != kind:
                return None
            fault = faults.pop()
            self._world.advance(fault.inner)
            self._world.count(f"statement, {kind}: {fault.effect or 'others'}")
            if fault.effect == "killed":
                raise Killed
            return fault.effect or None

        return MemoryTarget(self._table, self._world.clock, point)
