"""Conditions in words, for who reads what a rule asks and has no PromQL at hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.alerting.expression import (
    Absent,
    Aggregation,
    All,
    Comparison,
    Condition,
    Either,
    Match,
    Op,
    OverTime,
    Ratio,
    Selector,
)

_OPS: Mapping[Op, str] = MappingProxyType(
    {">": "above", ">=": "at least", "<": "below", "<=": "at most", "==": "", "!=": "not"}
)
_OVER_TIME: Mapping[OverTime, str] = MappingProxyType(
    {
        "max": "the greatest",
        "min": "the smallest",
        "avg": "the average of",
        "sum": "the sum of all samples of",
        "count": "the number of samples of",
        "last": "the last",
        "increase": "the increase of",
        "rate": "the increase per second of",
        "delta": "the difference of",
    }
)
_AGGREGATIONS: Mapping[Aggregation, str] = MappingProxyType(
    {
        "sum": "the sum of",
        "max": "the greatest of",
        "min": "the smallest of",
        "avg": "the average of",
        "count": "the number of series of",
    }
)
_MATCHES = MappingProxyType({"=": "is", "!=": "is not", "=~": "is like", "!~": "is not like"})
_UNITS = ((604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def in_words(condition: Condition) -> str:
    """The condition as a sentence without its end; names of signals and labels as they are."""
    match condition:
        case Comparison(left, op, right):
            beside = (
                vector_in_words(right)
                if isinstance(right, Selector)
                else span(right)
                if condition.duration
                else number(right)
            )
            asked = " ".join(part for part in ("is", _OPS[op], beside) if part)
            return f"{vector_in_words(left)} {asked}"
        case Absent(selector):
            return f"there is no series of {vector_in_words(selector)}"
        case All(conditions):
            return " and ".join(map(_part, conditions))
        case Either(conditions):
            return " or ".join(map(_part, conditions))


def vector_in_words(vector: Selector | Ratio) -> str:
    """What is compared."""
    if isinstance(vector, Ratio):
        over = vector_in_words(vector.denominator)
        return f"{vector_in_words(vector.numerator)}, divided by {over},"
    words = vector.signal
    if vector.matches:
        words += f" where {' and '.join(map(_matched, vector.matches))}"
    if vector.over_time is not None and vector.window_s is not None:
        words = f"{_OVER_TIME[vector.over_time]} {words} over {span(vector.window_s)}"
    if vector.aggregation is not None:
        by = f" by {', '.join(vector.by)}" if vector.by else ""
        words = f"{_AGGREGATIONS[vector.aggregation]} {words}{by}"
    return words if vector.times == 1 else f"{number(vector.times)} times {words}"


def span(seconds: float) -> str:
    """A number of seconds as rules write them: ``1h30m``."""
    if seconds < 1 or not float(seconds).is_integer():
        return f"{seconds:.4g}s"
    parts, rest = "", int(seconds)
    for length, unit in _UNITS:
        if rest >= length:
            parts += f"{rest // length}{unit}"
            rest %= length
    return parts


def number(value: float) -> str:
    """A number as it is best read: ``10,000``, ``0.15``."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.10g}"


def _matched(match: Match) -> str:
    return f"{match.label} {_MATCHES[match.op]} {match.value or 'empty'}"


def _part(condition: Condition) -> str:
    words = in_words(condition)
    return f"({words})" if isinstance(condition, All | Either) else words
