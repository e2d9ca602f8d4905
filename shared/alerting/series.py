"""What signals are made of: label sets and vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Labels = tuple[tuple[str, str], ...]
"""A label set: pairs of name and value, sorted by name, no empty values. Hashable."""

Vector = Mapping[Labels, float]
"""The values of one signal (or of an expression) at one moment, by label set."""


def labels(**values: str) -> Labels:
    """A label set; empty values are left out, as an absent label equals an empty one."""
    return tuple(sorted((name, value) for name, value in values.items() if value))


class SignalSource(Protocol):
    """Something that gives the vectors of some signals.

    :attr:`names` never changes. Sources are asked at every evaluation, so answers are cheap; ages
    are counted up to ``now``.
    """

    @property
    def names(self) -> frozenset[str]:
        """The signals that it gives: names of metrics that alerter produces."""

    def known(self, now: float) -> bool:
        """Whether its vectors say how things are. Before it has heard anything, or while what it
        asks does not answer, it does not know: rules that need it are left as they stand."""

    def vectors(self, now: float) -> Mapping[str, Vector]:
        """The present vector of every one of :attr:`names`; a series that is not in it is gone."""
