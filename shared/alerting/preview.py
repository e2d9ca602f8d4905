"""What rules would have told: the evaluation of an alerter on events of the past. Pure.

It goes as the evaluation of a running alerter goes: every rule at its interval, and a moment after
an event has changed one of its signals; rules wait for sources that do not know how things are.
Only how long a pass takes is not imitated: in a storm of events an alerter evaluates less often.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.alerting.alert import Alert
from shared.alerting.evaluate import evaluate
from shared.alerting.evidence import Evidence
from shared.alerting.lifecycle import advance
from shared.alerting.reach import signals, windows
from shared.alerting.rule import Rule, Rules
from shared.alerting.series import Labels, SignalSource, Vector
from shared.alerting.store import SeriesStore

COALESCED_S = 0.005
"""Events that come so close to each other are one evaluation, as in an alerter."""


class Happening(NamedTuple):
    """Something that was told.

    Attributes:
        at: when, in seconds since the epoch.
        take: gives it to the sources; returns the signals that it changed.
    """

    at: float
    take: Callable[[], Collection[str]]


@dataclass(frozen=True, slots=True)
class Previewed:
    """A change that would have been told."""

    rule: Rule
    alert: Alert


class Preview:
    """Evaluates rules over happenings.

    Args:
        rules: what to evaluate.
        sources: of the signals that they need; those of no source leave a rule without an answer.
        coalesced_s: events that come so close to each other are one evaluation.
    """

    def __init__(
        self,
        rules: Rules,
        sources: Sequence[SignalSource],
        *,
        coalesced_s: float = COALESCED_S,
    ) -> None:
        self._rules = rules
        self._sources = sources
        self._coalesced_s = coalesced_s
        self._store = SeriesStore()
        self._store.retain(windows(rule.condition for rule in rules.values()))
        self._sample_s = min((rule.interval_s for rule in rules.values()), default=math.inf)
        self._sample_at = -math.inf
        self._needing: dict[str, set[str]] = {}
        for name, rule in rules.items():
            for signal in signals(rule.condition):
                self._needing.setdefault(signal, set()).add(name)
        self._alerts: dict[str, dict[Labels, Alert]] = {name: {} for name in rules}
        self._before: dict[str, Vector] = {}
        self._unknown_since: dict[str, float] = {}
        self.held: frozenset[str] = frozenset()
        """Rules that had no answer at their last evaluation."""

    def run(self, happenings: Iterable[Happening], start: float, end: float) -> Iterator[Previewed]:
        """Every change from ``start`` to ``end``, in order of time.

        Args:
            happenings: in order of time; those before ``start`` are told to the sources, and
                nothing is evaluated.
            start: when everything is evaluated for the first time.
            end: what happens later is left out.
        """
        due = dict.fromkeys(self._rules, start)
        touched: set[str] = set()
        touched_at = math.inf
        coming = iter(happenings)
        happening = next(coming, None)
        while due:
            at = min(*due.values(), touched_at + self._coalesced_s)
            if happening is not None and happening.at <= min(at, end):
                names = self._touched(happening.take())
                if names and happening.at >= start:
                    touched |= names
                    touched_at = min(touched_at, happening.at)
                happening = next(coming, None)
                continue
            if at > end:
                return
            now = {name for name, turn in due.items() if turn <= at}
            if touched_at + self._coalesced_s <= at:
                now |= touched
                touched, touched_at = set(), math.inf
            for name in now:
                due[name] = at + self._rules[name].interval_s
            yield from self._pass([name for name in due if name in now], at)

    def _touched(self, changed: Collection[str]) -> set[str]:
        return {name for signal in changed for name in self._needing.get(signal, ())}

    def _pass(self, names: Sequence[str], now: float) -> Iterator[Previewed]:
        needed: set[str] | None = {s for name in names for s in self._signals(name)}
        if now >= self._sample_at:
            self._sample_at, needed = now + self._sample_s, None
        for source in self._sources:
            if needed is not None and source.names.isdisjoint(needed):
                continue
            if source.known(now):
                self._store.take(source.names, source.vectors(now), now)
            else:
                self._store.hold(source.names)
        held = set(self.held)
        for name in names:
            changed = self._judged(self._rules[name], now)
            held = held | {name} if changed is None else held - {name}
            yield from changed or ()
        self.held = frozenset(held)

    def _judged(self, rule: Rule, now: float) -> list[Previewed] | None:
        active = evaluate(rule.condition, self._store, now)
        if active is None:
            self._unknown_since.setdefault(rule.name, now)
            return None
        alerts = self._alerts[rule.name]
        advanced = advance(
            rule,
            alerts,
            active,
            now,
            before=self._before.get(rule.name, {}),
            forgotten=Evidence(rule.condition, self._store, now).is_forgotten,
            unseen_s=now - self._unknown_since.pop(rule.name, now),
        )
        self._before[rule.name] = active
        for alert in (*advanced.changed, *advanced.touched):
            alerts[alert.labels] = alert
        return [Previewed(rule, alert) for alert in advanced.changed]

    def _signals(self, name: str) -> frozenset[str]:
        return signals(self._rules[name].condition)


def not_replayable(rules: Rules, sources: Iterable[SignalSource]) -> dict[str, tuple[str, ...]]:
    """Rule → those of its signals that no source gives: it cannot be previewed."""
    given = frozenset[str]().union(*(source.names for source in sources))
    lacking = {name: tuple(sorted(signals(rule.condition) - given)) for name, rule in rules.items()}
    return {name: names for name, names in lacking.items() if names}


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that an alert was active.

    Attributes:
        rule: its rule.
        labels: of the series.
        active_at: since when the condition held.
        fired_at: since when it was firing; ``None``: it was over before it fired.
        over_at: when it was over; ``None``: it is not.
        value: at the last change.
    """

    rule: Rule
    labels: Labels
    active_at: float
    fired_at: float | None
    over_at: float | None
    value: float


def episodes(changes: Iterable[Previewed]) -> list[Episode]:
    """The changes of each alert put together, in order of their beginnings."""
    found: dict[tuple[str, Labels, float], Episode] = {}
    for change in changes:
        alert = change.alert
        over = alert.state in ("resolved", "inactive")
        found[alert.rule, alert.labels, alert.active_at] = Episode(
            change.rule,
            alert.labels,
            alert.active_at,
            alert.fired_at,
            alert.changed_at if over else None,
            alert.value,
        )
    return sorted(found.values(), key=lambda each: (each.active_at, each.rule.name, each.labels))
