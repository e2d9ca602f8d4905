"""What is wanted of each target, runs and fails, and so what is built next. Pure.

Every target has two lanes. The *live* lane brings the table up to its inputs, at most one build at
a time; what is asked for meanwhile waits and becomes one build. The *rebuild* lane builds the table
anew beside it, and only its last step, publishing, waits for the live build and keeps the next
one waiting. Lost requests, restarts and revoked partitions need no care here: the owner compares
the tables' states regularly and wants again what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from services.transformer.planning.lanes import TargetLanes
from services.transformer.planning.precedence import HOLD_S, Precedence
from services.transformer.planning.wishes import Failure, Patience, Start, Wish, both
from services.transformer.request import Stage
from shared.tables.lineage import Tables, in_order, readers


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
        self._readers = {name: readers(name, tables) for name in order}
        self._targets = {name: TargetLanes() for name in order}
        self._precedence = Precedence(tables, self._targets, workers)

    @property
    def targets(self) -> tuple[str, ...]:
        """All derived tables, each behind those that it reads."""
        return tuple(self._targets)

    @property
    def owned(self) -> frozenset[str]:
        """Targets that this worker builds."""
        return self._precedence.owned

    def own(self, targets: Iterable[str]) -> frozenset[str]:
        """From now on build these and no others; those that are new to this worker.

        Builds under way of other targets may end; no new one starts.
        """
        before, owned = self.owned, frozenset(targets) & self._targets.keys()
        self._precedence.owned = owned
        for name in before ^ owned:
            self._targets[name].built = {}
        for name in before - owned:
            for lane in (self._targets[name].live, self._targets[name].rebuild):
                lane.forget()
        return owned - before

    def want(self, target: str, wish: Wish) -> None:
        """Bring a target up to its inputs. Ignored for a target of somebody else, and where the
        last build has seen the commits that ask. Where a rebuild is to begin it does for some days,
        too."""
        if target not in self.owned or wish.held(self._targets[target].built):
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
        if target not in self.owned:
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

        ``workers`` is how many there are at the moment, if fewer than there should be. What goes
        first is said in :mod:`services.transformer.planning.precedence`.
        """
        begun: list[Start] = []
        most = self._workers if workers is None else min(workers, self._workers)
        for target, lane in self._precedence.waiting():
            free = most - self._precedence.running()
            if free <= 0 or not self._precedence.may_start(target, lane, now, last=free == 1):
                continue
            if (start := lane.start(target, now)) is not None:
                begun.append(start)
        return begun

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
        owned = start.target in self.owned
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

    def failed(self, start: Start, now: float, *, away: bool = False) -> Failure:
        """A build has failed; what follows. A rebuild begins again with its first step.

        Args:
            start: the build.
            now: monotonic seconds.
            away: whether it failed because catalog or store do not answer.
        """
        lane = self._targets[start.target].lane(start.stage)
        lane.running = None
        lane.failures += 1
        if start.stage is not Stage.LIVE:
            lane.stage = Stage.REBUILD
        failure = self._patience.after(lane.failures, away=away)
        if start.target not in self.owned:
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
            for name in self.owned
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
            if name in self.owned:
                target = self._targets[name]
                aside = target.rebuild.condition(now)
                told[name] = target.live.condition(now)
                if aside != "clean":
                    told[name] += f"; rebuild {aside}"
        return told
