"""When each rule is evaluated: at its interval, and at once when one of its signals changed.

Events come by the dozen, so what they touch waits a moment for more of them. How long follows from
what the last pass cost: in a storm of events evaluation takes a tenth of a core, not all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

COALESCED_S = 0.005
"""Events that come so close to each other are one evaluation."""
SHARE = 10.0
"""A pass that took a second is followed by ten without another for events."""


class Timetable:
    """Times of the rules of one alerter, in seconds of whatever clock is handed in. Pure."""

    def __init__(self) -> None:
        self._intervals: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._needing: dict[str, frozenset[str]] = {}
        self._touched: set[str] = set()
        self._touched_at: float | None = None
        self._quiet_until = 0.0

    def set_rules(
        self,
        intervals: Mapping[str, float],
        needed: Mapping[str, Collection[str]],
        now: float,
        anew: Collection[str] = (),
    ) -> None:
        """From now on these rules, by name: their intervals, and the signals that each needs.

        A rule that is new, or another one by now (``anew``), is due at once; others keep their
        turn, or come sooner.
        """
        self._due = {
            name: now if name in anew else min(self._due.get(name, now), now + interval)
            for name, interval in intervals.items()
        }
        self._intervals = dict(intervals)
        needing: dict[str, set[str]] = {}
        for name, signals in needed.items():
            for signal in signals:
                needing.setdefault(signal, set()).add(name)
        self._needing = {signal: frozenset(names) for signal, names in needing.items()}
        self._touched &= intervals.keys()

    def changed(self, signals: Collection[str], now: float) -> set[str]:
        """An event changed these signals; the rules that are evaluated because of it."""
        touched = {name for signal in signals for name in self._needing.get(signal, ())}
        if touched:
            self._touched |= touched
            if self._touched_at is None:
                self._touched_at = now
        return touched

    def next_at(self) -> float | None:
        """When something is due; ``None`` while there are no rules."""
        times = [min(self._due.values())] if self._due else []
        if self._touched_at is not None:
            times.append(max(self._touched_at + COALESCED_S, self._quiet_until))
        return min(times, default=None)

    def take(self, now: float) -> list[str]:
        """The rules that are due, in their order; each has its next turn an interval from now."""
        names = {name for name, due in self._due.items() if due <= now}
        if self._touched_at is not None and now >= max(
            self._touched_at + COALESCED_S, self._quiet_until
        ):
            names |= self._touched & self._due.keys()
            self._touched.clear()
            self._touched_at = None
        taken = [name for name in self._due if name in names]
        for name in taken:
            self._due[name] = now + self._intervals[name]
        return taken

    def took(self, seconds: float, now: float) -> None:
        """The last pass cost so much, and has just ended."""
        self._quiet_until = now + seconds * SHARE
