"""Two maintainers, each with a memory of its own, and what they do."""

from __future__ import annotations

from shared.lake.maintenance.compaction import CompactionStep, compact
from shared.lake.maintenance.deletion import deletion_of
from shared.lake.maintenance.expiry import expire
from shared.lake.maintenance.manifests import rewrite_manifests
from shared.lake.maintenance.orphans import LEAST_AGE_MS, remove_orphans
from shared.lake.maintenance.restamp import restamp
from shared.lake.maintenance.thresholds import MaintenancePolicy
from tests.explore.maintenance.process import Process
from tests.explore.maintenance.world import World

WRITER = "explored"
LITTLE_BYTES = 8 * 600
"""Of memory: rows of a group are written as several row groups, and sorted in several runs."""
DAYS = (0.0, 0.01, 0.5, 7.0)


class Maintainers:
    """What maintainers do; each call is one action of one process."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.add_steps(self)

    def step_compact(self, who: int, little: int, *met: int) -> None:
        """Small files become few."""
        process = self._world.maintainer(who)
        self._world.act(process, lambda: self.compact(process, little=bool(little)), met)

    def compact(self, process: Process, *, little: bool = False) -> None:
        """Compact everything."""
        policy = MaintenancePolicy(least_files=2, hot_s=0.0, least_benefit=0.0)
        if little:
            policy = MaintenancePolicy(
                target_bytes=1500, small_share=1.0, memory_bytes=LITTLE_BYTES, least_benefit=0.0
            )

        def told(step: CompactionStep) -> None:
            if step.outcome is not None:
                self._world.reached["compacted"] += 1

        report = compact(
            process.handle,
            self._world.spec,
            policy,
            writer=WRITER,
            now_ms=self._now_ms,
            force=True,
            progress=told,
        )
        self._world.reached["translated"] += report.deletes_translated
        self._world.reached["overtaken"] += report.attempts_wasted

    def step_expire(self, who: int, days: int, last: int, *met: int) -> None:
        """Old snapshots end."""
        process = self._world.maintainer(who)
        self._world.act(process, lambda: self.expire(process, DAYS[days % 4], 1 + last), met)

    def expire(self, process: Process, days: float, last: int) -> None:
        """End what is older, and delete what only that named."""
        report = expire(
            process.handle,
            self._world.spec,
            MaintenancePolicy(retention_days=days, retain_last=last),
            writer=WRITER,
            now_ms=self._now_ms,
            pinned=self._world.audit.recorded.keys(),
            files=deletion_of(process.handle.table.io),
        )
        self._world.reached["expired"] += report.snapshots_expired
        self._world.reached["deleted by expiry"] += report.data_files_deleted

    def step_look(self, who: int, *met: int) -> None:
        """What nothing names any more is noted, and deleted if it was noted long enough ago."""
        process = self._world.maintainer(who)

        def act() -> None:
            state, io = process.handle.reload(), process.handle.table.io
            process.unreferenced.look(state, io)
            if process.unreferenced.due():
                self._sweep(process)

        self._world.act(process, act, met)

    def step_sweep(self, who: int, *met: int) -> None:
        """What was noted long enough ago is deleted."""
        process = self._world.maintainer(who)
        self._world.act(process, lambda: self._sweep(process), met)

    def _sweep(self, process: Process) -> None:
        state, io = process.handle.reload(), process.handle.table.io
        report = process.unreferenced.sweep(state, io, deletion_of(io))
        self._world.reached["deleted as unreferenced"] += report.data_files + report.delete_files

    def step_thinned(self, who: int, *met: int) -> None:
        """Manifests of snapshots that a writer's commits thinned away are deleted."""
        process = self._world.writer(who)

        def act() -> None:
            if process.sweeper.due():
                swept = process.sweeper.sweep(process.handle.reload(), process.handle.table.io)
                self._world.reached["swept after thinning"] += swept

        self._world.act(process, act, met)

    def step_orphans(self, who: int, more: int, *met: int) -> None:
        """What nothing names and is old enough is deleted."""
        process = self._world.maintainer(who)
        self._world.act(process, lambda: self.orphans(process, 1 + more), met)

    def orphans(self, process: Process, ages: int = 1) -> None:
        """Sweep orphans of so many times the least age."""
        now_ms = self._now_ms
        report = remove_orphans(
            process.handle,
            self._world.spec,
            older_than_ms=now_ms - ages * LEAST_AGE_MS,
            now_ms=now_ms,
            listing=self._world.store,
        )
        self._world.reached["deleted as orphans"] += report.removed

    def step_manifests(self, who: int, *met: int) -> None:
        """Manifests are put together."""
        process = self._world.maintainer(who)
        spec = self._world.spec
        self._world.act(
            process, lambda: rewrite_manifests(process.handle, spec, writer=WRITER), met
        )

    def step_restamp(self, who: int, *met: int) -> None:
        """A foreign head gets a snapshot on top that says where the table stands."""
        process = self._world.maintainer(who)

        def act() -> None:
            report = restamp(process.handle, self._world.spec, writer=WRITER)
            self._world.reached["restamped"] += report.snapshot_id is not None

        self._world.act(process, act, met)

    @property
    def _now_ms(self) -> int:
        return int(self._world.clock.now * 1000)
