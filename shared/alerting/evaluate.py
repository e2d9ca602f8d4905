"""For which label sets does a condition hold? As Prometheus answers it.

Differences, all of them wanted: a series that left its vector is gone at once (Prometheus looks
back five minutes); a signal that is not known leaves the rule without an answer; a quotient whose
divisor is 0 has no value (the printed PromQL asks for divisors other than 0).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shared.alerting.aggregation import aggregated
from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Op,
    Ratio,
    Selector,
)
from shared.alerting.matching import absent_labels, keep, matching
from shared.alerting.over_time import over_time
from shared.alerting.reach import signals
from shared.alerting.series import Labels, Vector
from shared.alerting.store import SeriesStore

_LIMITED: Mapping[Op, Callable[[Vector, float], dict[Labels, float]]] = MappingProxyType(
    {
        ">": lambda vector, limit: {each: v for each, v in vector.items() if v > limit},
        ">=": lambda vector, limit: {each: v for each, v in vector.items() if v >= limit},
        "<": lambda vector, limit: {each: v for each, v in vector.items() if v < limit},
        "<=": lambda vector, limit: {each: v for each, v in vector.items() if v <= limit},
        "==": lambda vector, limit: {each: v for each, v in vector.items() if v == limit},
        "!=": lambda vector, limit: {each: v for each, v in vector.items() if v != limit},
    }
)
"""Series of a vector that compare so with a number: written out, as this is most of the work."""

_OPERATORS: Mapping[Op, Callable[[float, float], bool]] = MappingProxyType(
    {
        ">": operator.gt,
        ">=": operator.ge,
        "<": operator.lt,
        "<=": operator.le,
        "==": operator.eq,
        "!=": operator.ne,
    }
)


def evaluate(condition: Condition, store: SeriesStore, now: float) -> Vector | None:
    """The label sets for which ``condition`` holds at ``now``, with the value that is shown.

    ``None``: a signal that it needs is not known, so alerts stay as they are.
    """
    if not all(store.is_known(name) for name in signals(condition)):
        return None
    return holding(condition, store, now)


def holding(condition: Condition, store: SeriesStore, now: float) -> Vector:
    """As :func:`evaluate`, of signals that are all known."""
    match condition:
        case Comparison():
            return _compared(condition, store, now)
        case Absent(selector):
            return _absent(selector, store, now)
        case All(conditions, on):
            held = holding(conditions[0], store, now)
            for other in conditions[1:]:
                if not held:
                    break
                held = _also_in(held, holding(other, store, now), on)
            return held
        case Either(conditions):
            found: dict[Labels, float] = {}
            for other in conditions:
                found = {**holding(other, store, now), **found}
            return found


def _also_in(vector: Vector, other: Vector, on: tuple[str, ...] | None) -> Vector:
    if on is None:
        return {labels: value for labels, value in vector.items() if labels in other}
    keys = {keep(labels, on) for labels in other}
    return {labels: value for labels, value in vector.items() if keep(labels, on) in keys}


def _compared(comparison: Comparison, store: SeriesStore, now: float) -> Vector:
    left, right, op = comparison.left, comparison.right, comparison.op
    if not isinstance(right, Selector) and isinstance(left, Selector) and _is_plain(left):
        # Few series are beyond a limit, so that is asked first.
        held = _LIMITED[op](store.vector(left.signal), right)
        taken = matching(left.matches)
        return {each: held[each] for each in held if taken(each)} if taken and held else held
    vector = _ratio(left, store, now) if isinstance(left, Ratio) else select(left, store, now)
    if not isinstance(right, Selector):
        return _LIMITED[op](vector, right)
    holds = _OPERATORS[op]
    return {
        labels: value
        for labels, value, beside in _joined(vector, select(right, store, now), comparison.on)
        if holds(value, beside)
    }


def _is_plain(selector: Selector) -> bool:
    """Whether it is a part of the present vector as it is."""
    return selector.window_s is None and selector.aggregation is None and selector.times == 1


def _ratio(ratio: Ratio, store: SeriesStore, now: float) -> Vector:
    numerator = select(ratio.numerator, store, now)
    denominator = select(ratio.denominator, store, now)
    return {
        labels: value / divisor
        for labels, value, divisor in _joined(numerator, denominator, ratio.on)
        if divisor != 0
    }


def _joined(
    left: Vector, right: Vector, on: tuple[str, ...] | None
) -> list[tuple[Labels, float, float]]:
    """Series of ``left``, each beside its only match; reading sees to it that there is one."""
    if on is None:
        return [(labels, value, right[labels]) for labels, value in left.items() if labels in right]
    by_key = {keep(labels, on): value for labels, value in right.items()}
    return [
        (labels, value, by_key[key])
        for labels, value in left.items()
        if (key := keep(labels, on)) in by_key
    ]


def _absent(selector: Selector, store: SeriesStore, now: float) -> Vector:
    if _series(selector, store, now):
        return {}
    return {absent_labels(selector): 1.0}


def select(selector: Selector, store: SeriesStore, now: float) -> Vector:
    """The vector that a selector stands for."""
    vector = _series(selector, store, now)
    if selector.aggregation is not None:
        vector = aggregated(selector.aggregation, selector.by, vector)
    if selector.times != 1:
        vector = {labels: value * selector.times for labels, value in vector.items()}
    return vector


def _series(selector: Selector, store: SeriesStore, now: float) -> Vector:
    """What is selected before it is aggregated."""
    taken = matching(selector.matches)
    if selector.over_time is None or selector.window_s is None:
        vector = store.vector(selector.signal)
        if taken is None:
            return vector
        return {labels: value for labels, value in vector.items() if taken(labels)}
    key = (selector.signal, selector.matches, selector.over_time, selector.window_s)
    made = store.made_at(now)
    if key not in made:
        series = store.samples(selector.signal).items()
        made[key] = over_time(
            selector.over_time,
            series if taken is None else [each for each in series if taken(each[0])],
            selector.window_s,
            now,
        )
    return made[key]
