"""What is made of the samples of a window, each as Prometheus 3 computes it.

Windows are open on the left: ``(now - window, now]``. (Prometheus 2 took a sample that lies exactly
on the left edge as well.) ``increase``, ``rate`` and ``delta`` extrapolate to the edges of the
window, and need two samples.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from shared.alerting.expression import OverTime
from shared.alerting.store import Samples

Values = Sequence[float]


def _largest(values: Values) -> float:
    found = max(values)
    return found if found == found else max((v for v in values if v == v), default=found)


def _smallest(values: Values) -> float:
    found = min(values)
    return found if found == found else min((v for v in values if v == v), default=found)


def _sum(values: Values) -> float:
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # inf and -inf, or sums beyond what a float holds
        return sum(values)


OF_VALUES: Mapping[str, Callable[[Values], float]] = MappingProxyType(
    {
        "max": _largest,
        "min": _smallest,
        "avg": lambda values: _sum(values) / len(values),
        "sum": _sum,
        "count": lambda values: float(len(values)),
        "last": lambda values: values[-1],
    }
)


def _gained(values: Values, *, counter: bool) -> float:
    """How much the last value is above the first; a counter that fell began again at 0."""
    gained = values[-1] - values[0]
    if counter:
        before = values[0]
        for value in values:
            if value < before:
                gained += before
            before = value
    return gained


def _extrapolated(
    times: Sequence[float], values: Values, start: float, end: float, *, counter: bool
) -> float:
    """The gain over the whole window, of the gain between its first and its last sample.

    A window whose edge is about as far from a sample as samples are from each other is extrapolated
    up to the edge, another by half the distance between samples; a counter not to below 0.
    """
    gained = _gained(values, counter=counter)
    sampled = times[-1] - times[0]
    between = sampled / (len(times) - 1)
    to_start, to_end = times[0] - start, end - times[-1]
    if to_start >= between * 1.1:
        to_start = between / 2
    if counter and gained > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / gained))
    if to_end >= between * 1.1:
        to_end = between / 2
    return gained * ((sampled + to_start + to_end) / sampled)


def over_time(function: OverTime, samples: Samples, window: float, now: float) -> float | None:
    """``function`` of the samples in the window that ends ``now``; ``None`` with too few."""
    first = bisect_right(samples.times, now - window)
    beyond = bisect_right(samples.times, now)
    values: array[float] = samples.values[first:beyond]
    if of_values := OF_VALUES.get(function):
        return of_values(values) if values else None
    if len(values) < 2:
        return None
    gain = _extrapolated(
        samples.times[first:beyond], values, now - window, now, counter=function != "delta"
    )
    return gain / window if function == "rate" else gain
