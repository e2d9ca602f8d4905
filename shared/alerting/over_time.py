"""What is made of the samples of a window, each as Prometheus 3 computes it.

Windows are open on the left: ``(now - window, now]``. (Prometheus 2 took a sample that lies exactly
on the left edge as well.) ``increase``, ``rate`` and ``delta`` extrapolate to the edges of the
window, and need two samples.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from shared.alerting.expression import OverTime
from shared.alerting.series import Labels
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


def over_time(
    function: OverTime, series: Iterable[tuple[Labels, Samples]], window: float, now: float
) -> dict[Labels, float]:
    """``function`` of the samples in the window that ends ``now``; one with too few is left out."""
    start = now - window
    of_values = OF_VALUES.get(function)
    counter, per = function != "delta", window if function == "rate" else 1.0
    found: dict[Labels, float] = {}
    for labels, samples in series:
        times = samples.times
        first = 0 if times[0] > start else bisect_right(times, start)
        beyond = len(times) if times[-1] <= now else bisect_right(times, now)
        if of_values is None:
            if beyond - first > 1:
                found[labels] = _gain(samples, first, beyond - 1, start, now, counter) / per
        elif first < beyond:
            found[labels] = of_values(samples.values[first:beyond])
    return found


def _gain(
    samples: Samples, first: int, last: int, start: float, end: float, counter: bool
) -> float:
    """The gain over the whole window, of the gain between its first and its last sample.

    A window whose edge is about as far from a sample as samples are from each other is extrapolated
    up to the edge, another by half the distance between samples; a counter not to below 0.
    """
    times, values = samples.times, samples.values
    at_first, of_first, of_last = values[first], times[first], times[last]
    gained = values[last] - at_first
    if counter:
        gained += samples.fallen[last] - samples.fallen[first]
    if not gained:
        return 0.0
    sampled = of_last - of_first
    between = sampled / (last - first)
    beside = between * 1.1
    to_start, to_end = of_first - start, end - of_last
    if to_start >= beside:
        to_start = between / 2
    if to_end >= beside:
        to_end = between / 2
    if counter and gained > 0 and at_first >= 0:
        to_zero = sampled * (at_first / gained)
        if to_zero < to_start:
            to_start = to_zero
    return gained * ((sampled + to_start + to_end) / sampled)
