"""Who changes rows with our keys: lands them, swaps them, folds, and builds a table anew."""

from __future__ import annotations

import random
from collections import defaultdict

from pyiceberg.manifest import DataFile

from shared.contracts.identity import uuid7
from shared.lake.branches import publish_branch, start_branch
from shared.lake.commit import Append, Delta, Head, Outcome, Stale, Thinning, commit
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.landing_files import write_data_file
from shared.lake.positions import Positions
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.row_changes import delta
from shared.lake.table_state import MAIN, SnapshotEntry
from shared.lake.thinning import ThinningPolicy
from tests.explore.maintenance.account import KEY_INTENT, Intent
from tests.explore.maintenance.process import Process
from tests.explore.maintenance.world import World
from tests.support.derived_lake import origin
from tests.support.lake import TOPIC

BRANCH = "rebuild"
PLANS = 3
"""How often a change is planned anew before it is left."""
FOLDING = FoldingPolicy(
    delete_commits=3, least_deleted=4, spilled_files=3, spilled_rows=12, joined_files=3
)


class Writers:
    """What writers do; each call is one action of one process."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.add_steps(self)

    def step_write(self, who: int, coming: int, going: int, seed: int, *met: int) -> None:
        """Rows come; those of a derived table may go, too."""
        process = self._world.writer(who)
        if not self._world.derived:
            self._world.act(process, lambda: self._land(process, 1 + coming), met)
            return
        self._world.act(process, lambda: self._swap(process, coming, going, seed, MAIN), met)

    def step_fold(self, who: int, *met: int) -> None:
        """Deletes are folded into the data, level 0 into partitions."""
        process = self._world.writer(who)

        def act() -> None:
            handle, spec = process.handle, self._world.spec
            outcome = fold(
                handle,
                spec,
                commit_id=uuid7(),
                writer="explored",
                policy=FOLDING,
                thinning=self._thinning(),
            )
            self._swept_later(process, outcome)

        if self._world.derived:
            self._world.act(process, act, met)

    def step_rebuild(self, who: int, coming: int, seed: int, *met: int) -> None:
        """A branch is begun, built on, and published if ``main`` stays where it was."""
        process, world = self._world.writer(who), self._world

        def act() -> None:
            handle, started, published = process.handle, uuid7(), uuid7()
            expected = handle.reload().current_snapshot_id
            if expected is None:
                return
            world.audit.intents[started] = Intent(source=MAIN)
            world.audit.intents[published] = Intent(source=BRANCH)
            options = {"writer": "explored", "clock": world.clock.time, "sleep": world.sleep}
            start_branch(handle, BRANCH, commit_id=started, **options)  # type: ignore[arg-type]
            self._swap(process, coming, 2, seed, BRANCH)
            publish_branch(
                handle,
                BRANCH,
                expected,
                commit_id=published,
                **options,  # type: ignore[arg-type]
            )

        if world.derived:
            world.act(process, act, met)

    def _land(self, process: Process, coming: int) -> None:
        world, handle = self._world, process.handle
        ids = world.new_rows(coming)
        number = world.intend(Intent(added=frozenset(ids)))
        files: list[DataFile] = []

        def decide(head: Head, may_reuse_files: bool) -> Append:
            positions = head.recorded.positions
            if positions is None:
                raise LookupError("nothing says where the table stands")
            if not files or not may_reuse_files:
                files[:] = [write_data_file(handle.table, world.rows(ids), None)]
            start = positions.next_offset(TOPIC, 0) or 0
            moved = self._moved(positions, start, len(ids))
            world.intend(Intent(added=frozenset(ids), mark=start + len(ids)), number)
            return Append(files, moved, {KEY_INTENT: number})

        outcome = commit(
            handle, decide, commit_id=uuid7(), writer="explored", thinning=self._thinning()
        )
        self._swept_later(process, outcome)

    def _moved(self, positions: Positions, start: int, count: int) -> Positions:
        return positions.advance(
            TOPIC, 0, start=start, end=start + count, rows=count, errors=0, tail=None
        )

    def _swap(self, process: Process, coming: int, going: int, seed: int, ref: str) -> None:
        commit_id = uuid7()
        for _ in range(PLANS):
            head = process.handle.reload().head(ref)
            planned = self._planned(process, head, coming, going, seed)

            def decide(_: Head, may_reuse_files: bool, planned: Delta = planned) -> Delta:
                if not may_reuse_files:
                    raise Stale("files of an attempt of unknown outcome are not named again")
                return planned

            try:
                outcome = commit(
                    process.handle,
                    decide,
                    commit_id=commit_id,
                    writer="explored",
                    ref=ref,
                    thinning=self._thinning(),
                )
            except Stale:
                continue
            self._swept_later(process, outcome)
            return

    def _planned(
        self, process: Process, head: SnapshotEntry | None, coming: int, going: int, seed: int
    ) -> Delta:
        world, table = self._world, process.handle.table
        chance = random.Random(seed)
        places = () if head is None else world.places(head)
        chosen = chance.sample(places, min(going, len(places)))
        positions = defaultdict[str, list[int]](list)
        for _, (path, position) in sorted(chosen):
            positions[path].append(position)
        ids = world.new_rows(coming)
        build = world.next_build()
        removed = frozenset(identity for identity, _ in chosen)
        number = world.intend(Intent(frozenset(ids), removed, 10 * build))
        return delta(
            table,
            world.spec,
            LiveFiles({}, {}) if head is None else live_files(table, head),
            {path: sorted(each) for path, each in positions.items()},
            world.rows(ids),
            planned=head,
            carried=origin(build),
            target_bytes=1 << 27,
            summary={KEY_INTENT: number},
        )

    def _thinning(self) -> Thinning:
        return Thinning(ThinningPolicy(), self._world.audit.recorded.keys())

    def _swept_later(self, process: Process, outcome: Outcome | None) -> None:
        if outcome is not None:
            process.sweeper.removed(outcome.state.table_uuid, outcome.removed)
