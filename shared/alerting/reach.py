"""What a condition reads: which signals, and how far back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from shared.alerting.expression import Absent, Comparison, Condition, Ratio, Selector


def selectors(condition: Condition) -> Iterator[Selector]:
    """Every selector of a condition, from left to right."""
    match condition:
        case Comparison(left, _, right):
            if isinstance(left, Ratio):
                yield left.numerator
                yield left.denominator
            else:
                yield left
            if isinstance(right, Selector):
                yield right
        case Absent(selector):
            yield selector
        case _:
            for part in condition.conditions:
                yield from selectors(part)


@lru_cache(maxsize=8192)
def signals(condition: Condition) -> frozenset[str]:
    """The signals that a condition reads."""
    return frozenset(selector.signal for selector in selectors(condition))


def windows(conditions: Iterable[Condition]) -> dict[str, float]:
    """Signal → the longest window, in seconds, in which any of the conditions looks at it."""
    longest: dict[str, float] = {}
    for condition in conditions:
        for selector in selectors(condition):
            if selector.window_s:
                longest[selector.signal] = max(longest.get(selector.signal, 0), selector.window_s)
    return longest
