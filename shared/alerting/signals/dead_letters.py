"""How many dead letters were announced. Of a letter only its id and its topic are known here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.topics import DEAD_LETTERS

SEEN = "lakehouse_dead_letters_seen_total"

REMEMBERED = 20_000
"""Letters are announced at least once: one of the last so many that comes again is not counted."""


class DeadLetters(Following):
    """Counts letters by the topic of the record; every topic has a series from the start.

    Letters are not given as events, which would hold their plaintext, but by :meth:`letter`.
    """

    reads: ClassVar[frozenset[str]] = frozenset({DEAD_LETTERS})
    names = frozenset({SEEN})

    def __init__(self, topics: Iterable[str]) -> None:
        super().__init__()
        self._counts = dict.fromkeys(topics, 0)
        self._lately: OrderedDict[str, None] = OrderedDict()

    def event(self, event: Event) -> frozenset[str]:  # noqa: ARG002 - as sources are asked
        """Nothing: see :meth:`letter`."""
        return NOTHING

    def letter(self, letter_id: str, topic: str) -> frozenset[str]:
        """A letter was announced. What no topic of ours was meant for is counted without one."""
        if letter_id in self._lately:
            return NOTHING
        self._lately[letter_id] = None
        if len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)
        if self.history:
            return NOTHING
        counted = topic if topic in self._counts else ""
        self._counts[counted] = self._counts.get(counted, 0) + 1
        return self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """One series for every topic."""
        return {SEEN: {labels(topic=topic): float(n) for topic, n in self._counts.items()}}
