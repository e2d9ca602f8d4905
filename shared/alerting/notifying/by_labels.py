"""Answers that follow from some labels alone, remembered by the values of those.

Thousands of alerts have few values of the labels that routes and inhibitions look at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

MOST = 10_000
"""Answers that are remembered; then all are forgotten."""

_T = TypeVar("_T")


class ByLabels(Generic[_T]):
    """A pure function of labels.

    Args:
        names: the labels from which it follows; ``None``: all, and nothing is remembered.
        answer: the function.
    """

    def __init__(
        self, names: Collection[str] | None, answer: Callable[[Mapping[str, str]], _T]
    ) -> None:
        self._names = None if names is None else tuple(sorted(names))
        self._answer = answer
        self._known: dict[tuple[str | None, ...], _T] = {}

    def __call__(self, labels: Mapping[str, str]) -> _T:
        """The answer for these labels."""
        if self._names is None:
            return self._answer(labels)
        values = tuple(map(labels.get, self._names))
        try:
            return self._known[values]
        except KeyError:
            if len(self._known) >= MOST:
                self._known.clear()
            answer = self._known[values] = self._answer(labels)
            return answer
