"""Up to where consumed records are dealt with: what the group's offsets are set to.

Most records may be lost, for the tables tell what is missing. What an operator asks for is in no
table: it counts as unread until it has been dealt with, so that a worker started later reads it
again.
"""

from __future__ import annotations

from collections import defaultdict

Partition = tuple[str, int]


class Progress:
    """Offsets of one worker. Pure."""

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}
        self._held: dict[Partition, set[int]] = defaultdict(set)
        self._stored: dict[Partition, int] = {}

    def read(self, partition: Partition, offset: int, *, hold: bool = False) -> None:
        """A record was read; with ``hold`` it is not dealt with yet."""
        self._next[partition] = offset + 1
        if hold:
            self._held[partition].add(offset)

    def done(self, partition: Partition, offset: int) -> None:
        """A held record has been dealt with."""
        self._held[partition].discard(offset)

    def forget(self) -> None:
        """The partitions are somebody else's, or dealt anew."""
        self._next.clear()
        self._held.clear()
        self._stored.clear()

    def offsets(self) -> dict[Partition, int]:
        """Next offset to store by partition, those that are stored already left out."""
        reached = {
            partition: min((*self._held[partition], offset))
            for partition, offset in self._next.items()
        }
        return {
            partition: offset
            for partition, offset in reached.items()
            if self._stored.get(partition) != offset
        }

    def stored(self, offsets: dict[Partition, int]) -> None:
        """The group has these."""
        self._stored.update(offsets)
