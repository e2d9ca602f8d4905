"""Which build starts next: pure decisions over what is wanted, running and failing.

Every target has two lanes. The *live* lane brings the table up to its inputs, at most one build at
a time; what is asked for meanwhile waits and becomes one build. The *rebuild* lane builds the table
anew beside it, and only its last step, publishing, waits for the live build and keeps the next
one waiting. Lost requests, restarts and revoked partitions need no care here: the owner compares
the tables' states regularly and wants again what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from services.transformer.lanes import Lane, TargetLanes
from services.transformer.request import Stage
from services.transformer.wishes import Failure, Patience, Start, Wish, both
from shared.tables.lineage import Tables, downstream, in_order, readers, upstream

HOLD_S = 5.0
"""Longest wait of a target for inputs that its wave is still on its way to, and for older waves
that are on their way; a build that has run for so long is waited for no longer."""


class Planner:
    """The wishes, builds and failures of one worker's targets. No clock, no I/O.

    Args:
        tables: all tables; only the derived ones are targets.
        workers: how many builds may run at once.
        patience: how failures are repeated.
    """

    def __init__(self, tables: Tables, workers: int, patience: Patience) -> None:
        self._workers = workers
        self._patience = patience
        order = [name for name in in_order(tables) if tables[name].derived is not None]
        self._rank = {name: number for number, name in enumerate(order)}
        self._above = {name: upstream(name, tables) for name in order}
        self._below = {name: downstream(name, tables) for name in order}
        self._readers = {name: readers(name, tables) for name in order}
        self._targets = {name: TargetLanes() for name in order}
        self._owned: frozenset[str] = frozenset()

    @property
    def targets(self) -> tuple[str, ...]:
        """All derived tables, each behind those that it reads."""
        return tuple(self._rank)

    @property
    def owned(self) -> frozenset[str]:
        """Targets that this worker builds."""
        return self._owned

    def own(self, targets: Iterable[str]) -> frozenset[str]:
        """From now on build these and no others; those that are new to this worker.

        Builds under way of other targets may end; no new one starts.
        """
        before, self._owned = self._owned, frozenset(targets) & self._rank.keys()
        for name in before ^ self._owned:
            self._targets[name].built = {}
        for name in before - self._owned:
            for lane in (self._targets[name].live, self._targets[name].rebuild):
                lane.forget()
        return self._owned - before

    def want(self, target: str, wish: Wish) -> None:
        """Bring a target up to its inputs. Ignored for a target of somebody else, and where the
        last build has seen the commits that ask. Where a rebuild is to begin it does for some days,
        too."""
        if target not in self._owned or wish.held(self._targets[target].built):
            return
        rebuild = self._targets[target].rebuild
        if wish.days is not None and rebuild.to_begin:
            rebuild.add(replace(wish, days=None))
        else:
            self._targets[target].live.add(wish)

    def want_rebuild(self, target: str, wish: Wish) -> None:
        """Build a target anew. Ignored for a target of somebody else.

        What is asked for while a rebuild runs becomes another one after it. Days that nothing else
        was wanted for are part of it.
        """
        if target not in self._owned:
            return
        lane, live = self._targets[target].rebuild, self._targets[target].live
        if live.wish is not None and live.wish.only_days:
            wish = wish.merged(replace(live.wish, days=None))
            live.wish = None
        if lane.running is not None or lane.stage is Stage.PUBLISH:
            lane.later = both(lane.later, wish)
        else:
            lane.add(wish)

    def idle(self, target: str) -> bool:
        """Whether no live build of the target is wanted or under way."""
        lane = self._targets[target].live
        return lane.wish is None and lane.running is None

    def refresh_wanted(self, target: str) -> bool:
        """Whether a rebuild of the target, or of some of its days, is wanted or under way."""
        lane = self._targets[target].rebuild
        rebuild = not (lane.wish is None and lane.later is None and lane.running is None)
        return rebuild or self._targets[target].live.days

    def starts(self, now: float, workers: int | None = None) -> list[Start]:
        """The builds to start now; they count as running from here on.

        ``workers`` is how many there are at the moment, if fewer than there should be. What brings
        on the oldest wave comes first: a wave that has begun is brought to its end before its
        inputs are built again, and what landed meanwhile is one build of them. Of one wave, those
        come first that most tables wait for, so inputs before what reads them. Neither an input on
        its way nor an older wave is waited for longer than :data:`HOLD_S`. A rebuild leaves one
        worker to live builds, where there are several.
        """
        begun: list[Start] = []
        most = self._workers if workers is None else min(workers, self._workers)
        for target, lane in self._waiting():
            free = most - self._running()
            if free <= 0 or not self._may_start(target, lane, now, last=free == 1):
                continue
            if (start := lane.start(target, now)) is not None:
                begun.append(start)
        return begun

    def _waiting(self) -> list[tuple[str, Lane]]:
        """What owned targets want, in the order in which it should start."""
        found = [
            ((lane.wish.order, -len(self._below[name]), self._rank[name]), name, lane)
            for name in self._owned
            for lane in (self._targets[name].rebuild, self._targets[name].live)
            if lane.wish is not None
        ]
        return [(name, lane) for _, name, lane in sorted(found, key=lambda each: each[0])]

    def succeeded(
        self,
        start: Start,
        rebuild: str | None = None,
        sources: Mapping[str, int] = MappingProxyType({}),
    ) -> bool:
        """A build has ended well.

        Args:
            start: the build.
            rebuild: why the live build could do nothing but ask for a rebuild, if so.
            sources: the snapshots that the target contains now. A commit that is among them and
                asked while the build ran needs no other build.

        Returns:
            Whether the wish is fulfilled: not before a rebuild is published.
        """
        target = self._targets[start.target]
        lane = target.lane(start.stage)
        lane.running, lane.failures, lane.not_before = None, 0, 0.0
        target.built = sources if start.stage is Stage.LIVE and rebuild is None else {}
        if lane.stage is Stage.LIVE and lane.wish is not None and lane.wish.held(target.built):
            lane.wish = None
        owned = start.target in self._owned
        if start.stage is Stage.REBUILD and owned:
            lane.stage, lane.wish = Stage.PUBLISH, start.wish
            return False
        if start.stage is not Stage.LIVE:
            lane.stage, lane.wish, lane.later = Stage.REBUILD, lane.later, None
        at_hand = target.rebuild.running is not None or target.rebuild.stage is Stage.PUBLISH
        if rebuild is not None and (not at_hand or start.days is not None):
            self.want_rebuild(start.target, replace(start.wish, reason=rebuild))
        return rebuild is None

    def committed(self, start: Start, snapshot_id: int, number: int | None, now: float) -> None:
        """A build has committed: what reads its table is wanted, if it is this worker's.

        The announcement says the same, a trip to the broker later. A refresh or a tick is a wave of
        its own, which ends with its tables: what follows from them is named after their commit.
        """
        alone = start.wish.wave.startswith(f"{start.wish.cause}/")
        for reader in self._readers[start.target]:
            wish = Wish(
                cause="commit",
                reason=f"{start.target} was committed to",
                wave=f"{start.target}/{number}" if alone else start.wish.wave,
                since=now,
                triggers=frozenset((start.target,)),
                asked=frozenset(((start.target, snapshot_id),)),
                begun=start.wish.order,
            )
            self.want(reader, wish)

    def failed(self, start: Start, now: float) -> Failure:
        """A build has failed; what follows. A rebuild begins again with its first step."""
        lane = self._targets[start.target].lane(start.stage)
        lane.running = None
        lane.failures += 1
        if start.stage is not Stage.LIVE:
            lane.stage = Stage.REBUILD
        failure = self._patience.after(lane.failures)
        if start.target not in self._owned:
            lane.failures, lane.not_before = 0, 0.0
            return replace(failure, will_retry=False)
        lane.not_before = now + failure.delay_s
        wanted = both(lane.wish, lane.later)
        if failure.will_retry:
            wanted = both(start.wish, wanted)
        else:
            lane.failures = 0
        lane.wish, lane.later = wanted, None
        return failure

    def wake_at(self, now: float) -> float | None:
        """When to ask for :meth:`starts` again though nothing happens; ``None``: no need to."""
        moments = [
            max(lane.not_before, lane.wish.since + HOLD_S)
            if lane.not_before <= now
            else lane.not_before
            for name in self._owned
            for lane in (self._targets[name].live, self._targets[name].rebuild)
            if lane.wish is not None and lane.running is None
        ]
        moments += [
            target.live.began + HOLD_S
            for target in self._targets.values()
            if target.live.running is not None
        ]
        return min((moment for moment in moments if moment > now), default=None)

    def conditions(self, now: float) -> Mapping[str, str]:
        """Owned target → ``clean``, ``dirty``, ``building`` or ``backing off``, rebuilds aside."""
        told: dict[str, str] = {}
        for name in self.targets:
            if name in self._owned:
                target = self._targets[name]
                aside = target.rebuild.condition(now)
                told[name] = target.live.condition(now)
                if aside != "clean":
                    told[name] += f"; rebuild {aside}"
        return told

    def _running(self, stages: Collection[Stage] = tuple(Stage)) -> int:
        return sum(
            lane.running is not None and lane.running.stage in stages
            for target in self._targets.values()
            for lane in (target.live, target.rebuild)
        )

    def _may_start(self, name: str, lane: Lane, now: float, *, last: bool) -> bool:
        """``last``: it would take the last free worker."""
        target = self._targets[name]
        if not lane.due(now):
            return False
        if lane.stage is Stage.REBUILD:
            free = self._running((Stage.REBUILD,)) < max(1, self._workers - 1)
            return free and not self._rebuilding_above(name, now)
        if lane.stage is Stage.PUBLISH:
            return target.live.running is None
        wish = lane.wish
        if wish is None or self._barred(name, now):
            return False
        if now >= wish.since + HOLD_S:
            return True
        if self._still_coming(name, wish, now):
            return False
        return not self._older(self._owned if last else self._below[name], wish, now)

    def _barred(self, name: str, now: float) -> bool:
        """Whether what is wanted of the target live must wait for a rebuild, or for days above."""
        target = self._targets[name]
        if self._excluded(target.rebuild, now):
            return True
        wish = target.live.wish
        return wish is not None and wish.days is not None and self._refreshing_above(name, now)

    @staticmethod
    def _excluded(rebuild: Lane, now: float) -> bool:
        """Whether live builds wait for a rebuild: while it publishes or is about to. All the time
        where the live build could do nothing but ask for it again."""
        wish = rebuild.wish if rebuild.running is None else rebuild.running.wish
        if wish is None:
            return False
        if wish.cause != "refresh" or wish.days is not None:
            return True
        return rebuild.stage is Stage.PUBLISH and (rebuild.running is not None or rebuild.due(now))

    def _rebuilding_above(self, name: str, now: float) -> bool:
        """Whether an input, direct or not, is about to be made anew: then this one comes after."""
        lanes = (self._targets[table].rebuild for table in self._above[name] & self._owned)
        return any(lane.running is not None or lane.due(now) for lane in lanes)

    def _refreshing_above(self, name: str, now: float) -> bool:
        """Whether days of an input, direct or not, are about to be computed anew: then those of
        this one come after."""
        above = (self._targets[table] for table in self._above[name] & self._owned)
        return any(
            each.live.days
            and (
                each.live.running is not None
                or (each.live.due(now) and not self._excluded(each.rebuild, now))
            )
            for each in above
        )

    def _still_coming(self, name: str, wish: Wish, now: float) -> bool:
        """Whether an input, direct or not, is about to change by a wave that is no younger than the
        wish's: one build after it is cheaper than two."""
        return any(order <= wish.order for order in self._on_their_way(self._above[name], now))

    def _older(self, targets: Collection[str], wish: Wish, now: float) -> bool:
        """Whether an older wave is on its way through these. Two waves at once slow one another
        down, above all on one way, and what lands meanwhile is one build with this one."""
        return any(order < wish.order for order in self._on_their_way(targets, now))

    def _on_their_way(self, targets: Collection[str], now: float) -> Iterator[float]:
        """The ages of waves that these are being built for, or wait for nothing but a worker. What
        has run for long is no reason to wait for it, and what is barred may be so for long."""
        for name in self._owned.intersection(targets):
            lane = self._targets[name].live
            if lane.running is not None:
                if now < lane.began + HOLD_S:
                    yield lane.running.wish.order
            elif lane.wish is not None and lane.due(now) and not self._barred(name, now):
                yield lane.wish.order
