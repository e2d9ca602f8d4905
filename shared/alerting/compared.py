"""What a condition compares at a moment, whether or not it holds: why a rule fires, and why not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.alerting.evaluate import evaluate, select
from shared.alerting.expression import Absent, Comparison, Condition, Selector
from shared.alerting.matching import keep
from shared.alerting.reach import selectors, signals
from shared.alerting.series import Labels
from shared.alerting.store import SeriesStore


@dataclass(frozen=True, slots=True)
class Compared:
    """One series beside what it is compared with.

    Attributes:
        labels: of the series.
        value: what it is now.
        bound: what it is compared with; ``None`` when it has no counterpart, and so does not count.
        holds: whether the comparison holds for it.
    """

    labels: Labels
    value: float
    bound: float | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison of a condition.

    Attributes:
        condition: the comparison, or whether a series is absent.
        unknown: signals that it needs and that are not known.
        series: what it compares; those that come closest first.
        looks_back: whether it looks at more than the present.
    """

    condition: Comparison | Absent
    unknown: tuple[str, ...]
    series: tuple[Compared, ...]
    looks_back: bool


def parts(condition: Condition, store: SeriesStore, now: float) -> list[Part]:
    """Every comparison of a condition, from left to right."""
    return [_part(each, store, now) for each in _comparisons(condition)]


def _comparisons(condition: Condition) -> Iterator[Comparison | Absent]:
    if isinstance(condition, Comparison | Absent):
        yield condition
    else:
        for each in condition.conditions:
            yield from _comparisons(each)


def _part(condition: Comparison | Absent, store: SeriesStore, now: float) -> Part:
    unknown = tuple(sorted(each for each in signals(condition) if not store.is_known(each)))
    looks_back = any(each.window_s is not None for each in selectors(condition))
    found: list[Compared] = []
    held = evaluate(condition, store, now) or {}
    if isinstance(condition, Absent):
        found = [Compared(labels, value, None, holds=True) for labels, value in held.items()]
    elif not unknown:
        found = list(_series(condition, store, now, frozenset(held)))
        found.sort(key=lambda each: (not each.holds, _distance(each), each.labels))
    return Part(condition, unknown, tuple(found), looks_back)


def _series(
    condition: Comparison, store: SeriesStore, now: float, held: frozenset[Labels]
) -> Iterator[Compared]:
    everything = replace(condition, op=">=", right=-math.inf, on=None)
    for labels, value in (evaluate(everything, store, now) or {}).items():
        yield Compared(labels, value, _bound(condition, labels, store, now), labels in held)


def _bound(condition: Comparison, labels: Labels, store: SeriesStore, now: float) -> float | None:
    right = condition.right
    if not isinstance(right, Selector):
        return right
    on = condition.on
    wanted = labels if on is None else keep(labels, on)
    for each, value in select(right, store, now).items():
        if (each if on is None else keep(each, on)) == wanted:
            return value
    return None


def _distance(each: Compared) -> float:
    return math.inf if each.bound is None else abs(each.value - each.bound)
