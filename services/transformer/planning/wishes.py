"""What is wanted, what is started, what follows from a failure: the planner's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.transformer.request import Stage
from shared.contracts.builds import Cause
from shared.contracts.days import Days


@dataclass(frozen=True, slots=True)
class Wish:
    """That a target be built; several become one.

    Attributes:
        cause, reason, wave: of the oldest wish.
        since: when the oldest wish came, monotonic seconds.
        begun: when the oldest wave began that it brings on, on the same clock.
        days: rows of these days are to be computed anew, changed or not. Of a rebuild: a live
            build that should have done so found that it could not.
        triggers: tables whose commits asked.
        asked: commits that asked, table and snapshot id, if nothing else did; ``None``: it is
            not known what fulfils the wish.
    """

    cause: Cause
    reason: str
    wave: str
    since: float
    triggers: frozenset[str] = frozenset()
    asked: frozenset[tuple[str, int]] | None = None
    begun: float | None = None
    days: Days | None = None

    @property
    def order(self) -> float:
        """Lower ones come first."""
        return self.since if self.begun is None else self.begun

    @property
    def only_days(self) -> bool:
        """Whether nothing but some days is wished for."""
        return self.days is not None and self.asked == frozenset()

    def held(self, sources: Mapping[str, int]) -> bool:
        """Whether a table built from these snapshots has all that is wished for."""
        return self.days is None and self.asked is not None and self.asked <= sources.items()

    def merged(self, later: Wish) -> Wish:
        """One wish for both, as old as this one; it has the name of the one with days, so that
        their refresh is found under its wave."""
        named = later if self.days is None and later.days is not None else self
        known = self.asked is not None and later.asked is not None
        return replace(
            self,
            cause=named.cause,
            reason=named.reason,
            wave=named.wave,
            triggers=self.triggers | later.triggers,
            asked=(self.asked or frozenset()) | (later.asked or frozenset()) if known else None,
            begun=min(self.order, later.order),
            days=_hull(self.days, later.days),
        )


@dataclass(frozen=True, slots=True)
class Start:
    """A build to be started now. ``attempt`` counts from 1, and up after failures."""

    target: str
    stage: Stage
    wish: Wish
    attempt: int

    @property
    def days(self) -> Days | None:
        """The days that a live build computes anew."""
        return self.wish.days if self.stage is Stage.LIVE else None


@dataclass(frozen=True, slots=True)
class Failure:
    """What follows from a failure: tried again after ``delay_s`` if ``will_retry``; otherwise at
    the first wish that comes after it."""

    attempt: int
    will_retry: bool
    delay_s: float


@dataclass(frozen=True, slots=True)
class Patience:
    """How failures are repeated.

    Attributes:
        attempts: failures in a row after which a build is given up.
        first_s, longest_s: pause after the first failure, doubling up to the longest.
        pause_s: after a build was given up, nothing of the target is tried for so long.
        away_s: longest pause while catalog or store do not answer, which no build can help: none
            is given up for it, so that all go on soon after they are back.
    """

    attempts: int = 5
    first_s: float = 1.0
    longest_s: float = 60.0
    pause_s: float = 300.0
    away_s: float = 15.0

    def after(self, failures: int, *, away: bool = False) -> Failure:
        """What follows the failure with this number; ``away``: catalog or store do not answer."""
        longest_s = min(self.longest_s, self.away_s) if away else self.longest_s
        if failures >= self.attempts and not away:
            return Failure(failures, will_retry=False, delay_s=self.pause_s)
        delay = min(longest_s, self.first_s * 2.0 ** min(failures - 1, 60))
        return Failure(failures, will_retry=True, delay_s=delay)


def _hull(one: Days | None, other: Days | None) -> Days | None:
    if one is None or other is None:
        return one or other
    return one.hull(other)


def both(one: Wish | None, other: Wish | None) -> Wish | None:
    """One wish for two; the first is the older one."""
    if one is None or other is None:
        return one or other
    return one.merged(other)
