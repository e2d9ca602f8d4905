"""Which rules are this alerter's, with a group that deals them and without one. Pure.

Rules are dealt by the partitions of ``lakehouse.alert-states``. An alerter that cannot ask the
group, because there is no broker, goes on with the partitions of the rules that it had last: an
alerter that waited for a broker could not tell that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from shared.contracts.topics import ALERT_STATES, PLATFORM_TOPICS
from shared.runtime.ownership import partition_of

_partition_of = lru_cache(maxsize=10_000)(partition_of)
DECLARED = PLATFORM_TOPICS[ALERT_STATES].partitions


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the partitions."""

    mine: frozenset[int]
    partitions: int

    def owns(self, name: str) -> bool:
        """Whether a rule, or a group of alerts that is dealt by a name of its own, is of it."""
        return _partition_of(name, self.partitions) in self.mine

    def of(self, rules: Iterable[str]) -> frozenset[str]:
        """Those rules, present or past, that are of this share."""
        return frozenset(filter(self.owns, rules))


NOTHING = Share(frozenset(), DECLARED)
EVERYTHING = Share(frozenset(range(DECLARED)), DECLARED)


def last_share(rules: Iterable[str] | None) -> Share:
    """The share of an alerter that had these rules; all of it when it never had any.

    Rules that are new since then are of the partitions like the others.
    """
    mine = frozenset(partition_of(rule, DECLARED) for rule in rules or ())
    return Share(mine, DECLARED) if mine else EVERYTHING
