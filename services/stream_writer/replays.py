"""Recognise a delivery that was landed before: a replay of ours that a crash cut in two."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

Place = tuple[str, int, int]
"""(topic, partition, offset)."""


class ReplayMemory:
    """The most recent delivery ids and where they stand. Bounded, forgets the oldest.

    Reading the same record again (after a seek) is not a replay: its place is the same.
    """

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._places: OrderedDict[str, Place] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def replayed(self, delivery_id: str, place: Place) -> bool:
        """Note a delivery; whether it is known from another place."""
        known = self._places.setdefault(delivery_id, place)
        if len(self._places) > self._capacity:
            self._places.popitem(last=False)
        return known != place

    def learn(self, deliveries: Iterable[tuple[str, Place]]) -> None:
        """Note deliveries that a table holds already."""
        for delivery_id, place in deliveries:
            self.replayed(delivery_id, place)
