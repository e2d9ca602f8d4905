"""Conditions as data: what a rule asks of signals. Evaluated here, and printed as PromQL.

A condition yields a vector: the label sets for which it holds, with the value that is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Op = Literal[">", ">=", "<", "<=", "==", "!="]

OverTime = Literal["max", "min", "avg", "sum", "count", "last", "increase", "rate", "delta"]
"""``<name>_over_time`` of PromQL, and its ``increase``, ``rate`` (of counters) and ``delta`` (of
gauges), each as Prometheus computes it, extrapolation included."""

Aggregation = Literal["sum", "max", "min", "avg", "count"]


@dataclass(frozen=True, slots=True)
class Match:
    """One condition on a label of a series; ``=~`` and ``!~`` are anchored."""

    label: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A vector: a signal, perhaps over a window, perhaps aggregated, in this order.

    Attributes:
        signal: name of a metric that alerter produces.
        matches: all of them must match.
        window_s: length of the window; ``None`` for the present value.
        over_time: what is made of the samples of the window; set with ``window_s``.
        aggregation: how series become one; ``None`` leaves them.
        by: labels that stay when aggregated.
        times: factor.
    """

    signal: str
    matches: tuple[Match, ...] = ()
    window_s: float | None = None
    over_time: OverTime | None = None
    aggregation: Aggregation | None = None
    by: tuple[str, ...] = ()
    times: float = 1.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """One vector divided by another; series match on all labels, or on those of ``on``.

    A series whose divisor is missing or 0 has no value (Prometheus has NaN or Inf, and a comparison
    with NaN does not hold: 0/0 agrees; for x/0 the printed PromQL asks for a divisor above 0).
    """

    numerator: Selector
    denominator: Selector
    on: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Series of ``left`` for which ``left op right`` holds; the value shown is that of ``left``.

    With a vector on the right, series match on all labels, or on those of ``on``; a series without
    a match does not count. ``duration`` says that ``right`` is a number of seconds, so that it is
    scaled with the other times of a rule.
    """

    left: Selector | Ratio
    op: Op
    right: float | Selector
    on: tuple[str, ...] | None = None
    duration: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """Holds, with the labels of the ``=`` matches and value 1, while the selector has no series."""

    selector: Selector


@dataclass(frozen=True, slots=True)
class All:
    """``and``: series of the first condition whose label set (or ``on``) is in all the others."""

    conditions: tuple[Condition, ...]
    on: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Either:
    """``or``: series of the first condition, and those of the others whose label set is new."""

    conditions: tuple[Condition, ...]


Condition = Comparison | Absent | All | Either
