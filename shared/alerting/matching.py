"""Which series a selector takes, and how label sets are brought together."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from shared.alerting.expression import Match, Selector
from shared.alerting.series import Labels, labels

Predicate = Callable[[Labels], bool]


def value_of(of: Labels, label: str) -> str:
    """The value of one label; an absent label equals an empty one."""
    for name, value in of:
        if name == label:
            return value
    return ""


def _matching(match: Match) -> Predicate:
    if match.op in {"=", "!="} and match.value:
        pair = (match.label, match.value)
        if match.op == "=":
            return lambda each: pair in each
        return lambda each: pair not in each
    if match.op in {"=", "!="}:
        wanted = match.op == "="
        return lambda each: (value_of(each, match.label) == "") is wanted
    pattern = re.compile(match.value, re.DOTALL)
    wanted = match.op == "=~"
    holds = lru_cache(maxsize=4096)(lambda value: (pattern.fullmatch(value) is not None) is wanted)
    return lambda each: holds(value_of(each, match.label))


@lru_cache(maxsize=4096)
def matching(matches: tuple[Match, ...]) -> Predicate | None:
    """Whether all of ``matches`` hold for a label set; ``None`` when there are none.

    Raises:
        re.error: a regular expression that Python does not read.
    """
    predicates = [_matching(match) for match in matches]
    if len(predicates) < 2:
        return predicates[0] if predicates else None
    return lambda each: all(predicate(each) for predicate in predicates)


def absent_labels(selector: Selector) -> Labels:
    """What ``absent`` says of the series that are not there: labels matched with ``=``.

    A further match of such a label takes it away, as in Prometheus.
    """
    said: dict[str, str] = {}
    equal: set[str] = set()
    for match in selector.matches:
        if match.op == "=" and match.label not in equal:
            equal.add(match.label)
            said[match.label] = match.value
        else:
            said.pop(match.label, None)
    return labels(**said)


def keep(of: Labels, names: tuple[str, ...]) -> Labels:
    """The part of a label set that has these names."""
    return tuple([pair for pair in of if pair[0] in names])
