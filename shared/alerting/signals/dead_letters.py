"""How many dead letters were announced. Of a letter only its id, topic and time are known here."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.topics import DEAD_LETTERS

SEEN = "lakehouse_dead_letters_seen_total"

REMEMBERED = 20_000
"""Letters are announced at least once: one of the last so many that comes again is not counted."""

QUARTER_S = 900
"""Of the time that nobody looked the quarter of an hour with the most letters counts: as many as
the rule about rising letters would have seen at once. Some every hour for days are no rise."""


class DeadLetters(Following):
    """Counts letters by the topic of the record; every topic has a series from the start.

    Letters are not given as events, which would hold their plaintext, but by :meth:`letter`.

    Args:
        topics: logical topics of records that may become dead letters.
        unseen_since: when somebody last looked, in seconds since the epoch: what was announced
            later counts, once :meth:`count_unseen` is called. ``None``: nothing of before the start
            counts.
    """

    reads: ClassVar[frozenset[str]] = frozenset({DEAD_LETTERS})
    names = frozenset({SEEN})

    def __init__(self, topics: Iterable[str], unseen_since: float | None = None) -> None:
        super().__init__()
        self._counts = dict.fromkeys(topics, 0)
        self._lately: OrderedDict[str, None] = OrderedDict()
        self._unseen_since = unseen_since
        self._unseen: dict[str, Counter[int]] = {}

    def event(self, event: Event) -> frozenset[str]:  # noqa: ARG002 - as sources are asked
        """Nothing: see :meth:`letter`."""
        return NOTHING

    def letter(self, letter_id: str, topic: str, at: float) -> frozenset[str]:
        """A letter was announced, in seconds since the epoch. What no topic of ours was meant for
        is counted without one."""
        if letter_id in self._lately:
            return NOTHING
        self._lately[letter_id] = None
        if len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)
        counted = topic if topic in self._counts else ""
        if self.history:
            if self._unseen_since is not None and at >= self._unseen_since:
                self._unseen.setdefault(counted, Counter())[int(at)] += 1
            return NOTHING
        self._counts[counted] = self._counts.get(counted, 0) + 1
        return self.names

    def count_unseen(self) -> frozenset[str]:
        """Count what was announced while nobody looked.

        To be called when the counters have been seen without it: one that begins with a number has
        not increased, neither here nor for Prometheus.
        """
        unseen, self._unseen = self._unseen, {}
        for topic, seconds in unseen.items():
            self._counts[topic] = self._counts.get(topic, 0) + _most_at_once(seconds)
        return self.names if unseen else NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """One series for every topic."""
        return {SEEN: {labels(topic=topic): float(n) for topic, n in self._counts.items()}}


def _most_at_once(seconds: Mapping[int, int]) -> int:
    """The most within a quarter of an hour, of how many came in which second."""
    most = held = 0
    window: deque[int] = deque()
    for second in sorted(seconds):
        window.append(second)
        held += seconds[second]
        while second - window[0] >= QUARTER_S:
            held -= seconds[window.popleft()]
        most = max(most, held)
    return most
