"""Conditions and series drawn by hypothesis, of a few signals that have few label sets."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from deploy.prometheus.notation import Written
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
from shared.alerting.series import Labels, labels
from tests.unit.alerting.replaying import Series

GAUGE, LEVEL, COUNTER = "zz_gauge", "zz_level", "zz_seen_total"
LABELS = {GAUGE: ("a", "b"), LEVEL: ("a",), COUNTER: ("a", "b")}
SETS: dict[str, tuple[Labels, ...]] = {
    LEVEL: (labels(a="x"), labels(a="y"), labels()),
    GAUGE: (labels(a="x", b="1"), labels(a="x", b="2"), labels(a="y", b="1"), labels(b="2")),
}
SETS[COUNTER] = SETS[GAUGE]
MINUTES = 14

_OPS: tuple[Op, ...] = (">", ">=", "<", "<=", "==", "!=")
_AGGREGATIONS: tuple[Aggregation, ...] = ("sum", "max", "min", "avg", "count")
_OF_GAUGES: tuple[OverTime, ...] = ("max", "min", "avg", "sum", "count", "last", "delta")
_OF_COUNTERS: tuple[OverTime, ...] = ("increase", "rate", "max", "last")
_MATCHES = (
    Match("a", "=", "x"),
    Match("a", "!=", "x"),
    Match("a", "=", ""),
    Match("a", "!=", ""),
    Match("a", "=~", "x|z"),
    Match("a", "!~", "x.*"),
    Match("a", "=~", ".+"),
    Match("a", "=~", "(y)?"),
)


@st.composite
def selectors(draw: st.DrawFn, signal: str) -> Selector:
    matches = tuple(draw(st.lists(st.sampled_from(_MATCHES), max_size=2, unique=True)))
    window = draw(st.sampled_from((None, 60.0, 180.0, 300.0)))
    functions = _OF_COUNTERS if signal == COUNTER else _OF_GAUGES
    function = None if window is None else draw(st.sampled_from(functions))
    aggregation = draw(st.none() | st.sampled_from(_AGGREGATIONS))
    by = draw(st.sampled_from(((), ("a",), LABELS[signal]))) if aggregation else ()
    times = draw(st.sampled_from((1.0, 1.0, 0.5, -2.0)))
    return Selector(signal, matches, window, function, aggregation, by, times)


def yielded(selector: Selector) -> frozenset[str]:
    return frozenset(selector.by if selector.aggregation else LABELS[selector.signal])


def _unique_by(right: Selector, on: tuple[str, ...]) -> Selector:
    """The selector, aggregated so that it has one series for each value of ``on``."""
    if yielded(right) <= set(on):
        return right
    return Selector(
        right.signal, right.matches, right.window_s, right.over_time, "max", on, right.times
    )


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    signal = draw(st.sampled_from((GAUGE, LEVEL, COUNTER)))
    left = draw(selectors(signal))
    op = draw(st.sampled_from(_OPS))
    shared = draw(st.none() | st.just(("a",)) | st.just(()))
    on = shared if shared is None or set(shared) <= yielded(left) else ()
    other = draw(selectors(draw(st.sampled_from((GAUGE, LEVEL)))))
    right = other if on is None else _unique_by(other, on)
    # The last bit of a computed value depends on the order of sums, which differs by version of
    # Prometheus: it must decide nothing.
    odd, even = (-3.137, 0.137, 1.137, 4.861, 9.137), (-2.0, 0.0, 1.0, 3.0)
    number = draw(st.sampled_from((*odd, *even) if _exact(left) else odd))
    if _exact(right) and draw(st.booleans()):
        return Comparison(Ratio(left, right, on), op, draw(st.sampled_from(odd)))
    if _exact(left) and _exact(right) and draw(st.booleans()):
        return Comparison(left, op, right, on)
    return Comparison(left, op, number)


def _exact(selector: Selector) -> bool:
    """Whether what follows from integers are integers, or halves of them."""
    return selector.aggregation != "avg" and selector.over_time in (
        *(None, "max", "min", "sum", "count", "last"),
    )


@st.composite
def absences(draw: st.DrawFn) -> Absent:
    matches = tuple(draw(st.lists(st.sampled_from(_MATCHES), max_size=1)))
    window = draw(st.sampled_from((None, 120.0)))
    function: OverTime | None = None if window is None else "last"
    return Absent(Selector(draw(st.sampled_from((GAUGE, LEVEL))), matches, window, function))


def conditions() -> st.SearchStrategy[Condition]:
    def joined(children: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(children, min_size=1, max_size=3).map(tuple)
        return st.builds(All, several, st.none() | st.just(("a",)) | st.just(())) | st.builds(
            Either, several
        )

    return st.recursive(comparisons() | absences(), joined, max_leaves=4)


@st.composite
def _values(draw: st.DrawFn, signal: str) -> list[Written]:
    """One a minute, half a minute after it; a series may begin late, end, and come back."""
    begins = draw(st.sampled_from((0, 0, 0, 3, 20)))
    ends = draw(st.sampled_from((30, 30, 6, 9)))
    returns = draw(st.sampled_from((30, ends + 3)))
    found: list[Written] = []
    count = float(draw(st.sampled_from((0, 1000, 5000))))
    for minute in range(MINUTES):
        if minute < begins or ends < minute < returns:
            value: Written = None
        elif minute == ends:
            value = "stale"
        elif signal == COUNTER:
            # It begins at 0 or far from it: in between, Prometheus 2 extrapolates differently to
            # the left of a series that begins within the window.
            if minute == returns:
                count = 0.0
            elif minute > begins:
                count = draw(st.sampled_from((count, count + 1, count + 7, count + 20, 0.0)))
            value = count
        else:
            value = float(draw(st.integers(-5, 10)))
        found += [None, value]
    return found


@dataclass(frozen=True)
class Case:
    condition: Condition
    for_s: float
    keep_firing_for_s: float
    series: Series


@st.composite
def cases(draw: st.DrawFn) -> Case:
    series = {
        signal: {
            each: draw(_values(signal))
            for each in draw(st.lists(st.sampled_from(sets), unique=True, max_size=4))
        }
        for signal, sets in SETS.items()
    }
    return Case(
        draw(conditions()),
        draw(st.sampled_from((0.0, 60.0, 180.0))),
        draw(st.sampled_from((0.0, 0.0, 120.0))),
        series,
    )
