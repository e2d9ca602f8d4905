"""Which of the builds that are wanted goes first, and which waits for what. Pure.

What brings on the oldest wave comes first: a wave that has begun is brought to its end before its
inputs are built again, and what landed meanwhile is one build of them. Of one wave, those come
first that most tables wait for, so inputs before what reads them. Neither an input on its way nor
an older wave is waited for longer than :data:`HOLD_S`. A rebuild leaves one worker to live builds,
where there are several.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from services.transformer.planning.lanes import Lane, TargetLanes
from services.transformer.planning.wishes import Wish
from services.transformer.request import Stage
from shared.tables.lineage import Tables, downstream, upstream

HOLD_S = 5.0
"""Longest wait of a target for inputs that its wave is still on its way to, and for older waves
that are on their way; a build that has run for so long is waited for no longer."""


class Precedence:
    """The rules over the lanes of all targets, which are somebody else's to change.

    Args:
        tables: all tables.
        targets: lanes of every derived table, each behind those that it reads.
        workers: how many builds may run at once.
    """

    def __init__(self, tables: Tables, targets: Mapping[str, TargetLanes], workers: int) -> None:
        self._workers = workers
        self._targets = targets
        self._rank = {name: number for number, name in enumerate(targets)}
        self._above = {name: upstream(name, tables) for name in targets}
        self._below = {name: downstream(name, tables) for name in targets}
        self.owned: frozenset[str] = frozenset()
        """Targets that this worker builds."""

    def waiting(self) -> list[tuple[str, Lane]]:
        """What owned targets want, in the order in which it should start."""
        found = [
            ((lane.wish.order, -len(self._below[name]), self._rank[name]), name, lane)
            for name in self.owned
            for lane in (self._targets[name].rebuild, self._targets[name].live)
            if lane.wish is not None
        ]
        return [(name, lane) for _, name, lane in sorted(found, key=lambda each: each[0])]

    def running(self, stages: Collection[Stage] = tuple(Stage)) -> int:
        """How many builds are under way."""
        return sum(
            lane.running is not None and lane.running.stage in stages
            for target in self._targets.values()
            for lane in (target.live, target.rebuild)
        )

    def may_start(self, name: str, lane: Lane, now: float, *, last: bool) -> bool:
        """Whether a lane's build may start now; ``last``: it would take the last free worker."""
        target = self._targets[name]
        if not lane.due(now):
            return False
        if lane.stage is Stage.REBUILD:
            free = self.running((Stage.REBUILD,)) < max(1, self._workers - 1)
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
        return not self._older(self.owned if last else self._below[name], wish, now)

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
        lanes = (self._targets[table].rebuild for table in self._above[name] & self.owned)
        return any(lane.running is not None or lane.due(now) for lane in lanes)

    def _refreshing_above(self, name: str, now: float) -> bool:
        """Whether days of an input, direct or not, are about to be computed anew: then those of
        this one come after."""
        above = (self._targets[table] for table in self._above[name] & self.owned)
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
        for name in self.owned.intersection(targets):
            lane = self._targets[name].live
            if lane.running is not None:
                if now < lane.began + HOLD_S:
                    yield lane.running.wish.order
            elif lane.wish is not None and lane.due(now) and not self._barred(name, now):
                yield lane.wish.order
