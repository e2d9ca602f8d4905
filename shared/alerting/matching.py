"""Which series a selector takes, and how label sets are brought together."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from shared.alerting.expression import Match
from shared.alerting.series import Labels

Predicate = Callable[[Labels], bool]


def value_of(labels: Labels, label: str) -> str:
    """The value of one label; an absent label equals an empty one."""
    for name, value in labels:
        if name == label:
            return value
    return ""


def _matching(match: Match) -> Predicate:
    if match.op in {"=", "!="} and match.value:
        pair = (match.label, match.value)
        if match.op == "=":
            return lambda labels: pair in labels
        return lambda labels: pair not in labels
    if match.op in {"=", "!="}:
        wanted = match.op == "="
        return lambda labels: (value_of(labels, match.label) == "") is wanted
    pattern = re.compile(match.value, re.DOTALL)
    wanted = match.op == "=~"
    holds = lru_cache(maxsize=4096)(lambda value: (pattern.fullmatch(value) is not None) is wanted)
    return lambda labels: holds(value_of(labels, match.label))


@lru_cache(maxsize=4096)
def matching(matches: tuple[Match, ...]) -> Predicate | None:
    """Whether all of ``matches`` hold for a label set; ``None`` when there are none.

    Raises:
        re.error: a regular expression that Python does not read.
    """
    predicates = [_matching(match) for match in matches]
    if len(predicates) < 2:
        return predicates[0] if predicates else None
    return lambda labels: all(predicate(labels) for predicate in predicates)


def keep(labels: Labels, names: tuple[str, ...]) -> Labels:
    """The part of a label set that has these names."""
    return tuple([pair for pair in labels if pair[0] in names])
