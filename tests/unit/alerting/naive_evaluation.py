"""Evaluation as plainly as it can be said: no store, no caches, straight from the definitions.

History is a list of ``(time, signal → vector)``. Label sets are dicts here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Match,
    Ratio,
    Selector,
)
from shared.alerting.series import Labels, Vector, labels

History = Sequence[tuple[float, Mapping[str, Vector]]]
Row = tuple[Mapping[str, str], float]

_OPS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def naive(condition: Condition, history: History, now: float) -> dict[Labels, float]:
    return {labels(**each): value for each, value in _rows(condition, history, now)}


def _rows(condition: Condition, history: History, now: float) -> list[Row]:
    if isinstance(condition, Comparison):
        left = _vector(condition.left, history, now)
        if isinstance(condition.right, Selector):
            right = _vector(condition.right, history, now)
            return [
                (each, value)
                for each, value in left
                for other, limit in right
                if _same(each, other, condition.on) and _OPS[condition.op](value, limit)
            ]
        return [row for row in left if _OPS[condition.op](row[1], condition.right)]
    if isinstance(condition, Absent):
        selector = condition.selector
        plain = Selector(selector.signal, selector.matches, selector.window_s, selector.over_time)
        if _vector(plain, history, now):
            return []
        return [({m.label: m.value for m in selector.matches if m.op == "="}, 1.0)]
    if isinstance(condition, All):
        rows = _rows(condition.conditions[0], history, now)
        for other in condition.conditions[1:]:
            others = _rows(other, history, now)
            rows = [
                row for row in rows if any(_same(row[0], each, condition.on) for each, _ in others)
            ]
        return rows
    assert isinstance(condition, Either)
    found: list[Row] = []
    for other in condition.conditions:
        new = _rows(other, history, now)
        found += [row for row in new if not any(_same(row[0], each, None) for each, _ in found)]
    return found


def _same(one: Mapping[str, str], other: Mapping[str, str], on: tuple[str, ...] | None) -> bool:
    names: Iterable[str] = {*one, *other} if on is None else on
    return all(one.get(name, "") == other.get(name, "") for name in names)


def _vector(side: Selector | Ratio, history: History, now: float) -> list[Row]:
    if isinstance(side, Ratio):
        return [
            (each, value / divisor)
            for each, value in _vector(side.numerator, history, now)
            for other, divisor in _vector(side.denominator, history, now)
            if _same(each, other, side.on) and divisor != 0
        ]
    rows: list[Row] = [
        (dict(each), value)
        for each, value in _series(side, history, now)
        if all(_matches(match, dict(each)) for match in side.matches)
    ]
    if side.aggregation is not None:
        rows = _aggregated(side, rows)
    return [(each, value * side.times) for each, value in rows]


def _series(selector: Selector, history: History, now: float) -> list[tuple[Labels, float]]:
    told = [(time, vectors[selector.signal]) for time, vectors in history if time <= now]
    if selector.window_s is None or selector.over_time is None:
        return list(told[-1][1].items()) if told else []
    within = [(time, vector) for time, vector in told if now - selector.window_s < time]
    found = []
    for each in {each for _, vector in within for each in vector}:
        samples = [(time, vector[each]) for time, vector in within if each in vector]
        value = _of_window(selector.over_time, samples, now - selector.window_s, now)
        if value is not None:
            found.append((each, value))
    return found


def _of_window(
    function: str, samples: list[tuple[float, float]], start: float, end: float
) -> float | None:
    values = [value for _, value in samples]
    if function in ("max", "min", "avg", "sum", "count", "last"):
        return _of_values(function, values)
    if len(samples) < 2:
        return None
    gains = [after - before for before, after in pairwise(values)]
    if function != "delta":
        gains = [after if after < before else after - before for before, after in pairwise(values)]
    first, last = samples[0][0], samples[-1][0]
    step = (last - first) / len(gains)
    left = first - start if first - start < step * 1.1 else step / 2
    right = end - last if end - last < step * 1.1 else step / 2
    gain = sum(gains)
    if function != "delta" and gain > 0 and values[0] >= 0:
        left = min(left, (last - first) * values[0] / gain)
    whole = gain / (last - first) * (last - first + left + right)
    return whole / (end - start) if function == "rate" else whole


def _of_values(function: str, values: list[float]) -> float:
    if function == "avg":
        return sum(values) / len(values)
    if function == "count":
        return len(values)
    if function == "last":
        return values[-1]
    if function == "sum":
        return sum(values)
    return max(values) if function == "max" else min(values)


def _aggregated(selector: Selector, rows: list[Row]) -> list[Row]:
    kept = [{name: each[name] for name in selector.by if name in each} for each, _ in rows]
    groups = [each for n, each in enumerate(kept) if each not in kept[:n]]
    return [
        (
            group,
            _of_values(
                str(selector.aggregation),
                [value for each, (_, value) in zip(kept, rows, strict=True) if each == group],
            ),
        )
        for group in groups
    ]


def _matches(match: Match, each: Mapping[str, str]) -> bool:
    value = each.get(match.label, "")
    equal = (
        value == match.value
        if match.op in ("=", "!=")
        else re.fullmatch(match.value, value) is not None
    )
    return equal is (match.op in ("=", "=~"))
