"""Recognise a delivery that was landed before: a replay of ours that a crash cut in two.

What was landed lately is remembered, which recognises a repeat whoever made it. Of a record whose
sender says that it may have sent it before the table itself is asked
(:mod:`services.stream_writer.doubts`), so a repeat by a spool is recognised however long ago, and
however many records before, the first one came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

Place = tuple[str, int, int]
"""(topic, partition, offset)."""


class ReplayMemory:
    """The most recent delivery ids and where they stand. Bounded, forgets the oldest.

    Reading the same record again (after a seek) is not a replay: its place is the same.
    """

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._places: dict[str, Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def replayed(self, deliveries: Sequence[str], places: Sequence[Place]) -> list[int]:
        """Note deliveries, in order.

        Args:
            deliveries: delivery ids.
            places: where each stands.

        Returns:
            which of them are known from another place, by index.
        """
        known = list(map(self._places.setdefault, deliveries, places))
        for oldest in list(islice(self._places, max(0, len(self._places) - self._capacity))):
            del self._places[oldest]
        if known == places:
            return []
        found = []
        for row, (delivery, place) in enumerate(zip(deliveries, places, strict=True)):
            first = self._places.get(delivery, known[row])
            if place[:2] == first[:2] and place < first:
                # Read again, as after a rollback, from before what is remembered: this is the one
                # that came first, and was forgotten or never learnt.
                self._places[delivery] = place
            elif place != first:
                found.append(row)
        return found

    def learn(self, deliveries: Iterable[tuple[str, Place]]) -> None:
        """Note deliveries that a table holds already."""
        pairs = list(deliveries)
        self.replayed([delivery for delivery, _ in pairs], [place for _, place in pairs])
