"""What the broker does not have yet, in order, and bounded. Pure.

Of alerts every change is kept, since subscribers of ``lakehouse.alerts`` are promised each of
them. Of everything else the last word is enough. When a broker is away for so long that too much
waits, changes that a later one of the same alert has overtaken are left out, the oldest first; the
last of each is always told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from services.alerter.journal.lines import Forgotten, Kept
from shared.contracts.alerts import AlertChanged

MOST = 50_000
"""Entries that wait before overtaken ones are left out."""

Waiting = Kept | Forgotten


class Unpublished:
    """Entries by their numbers, which rise."""

    def __init__(self, most: int = MOST) -> None:
        self._entries: dict[int, Waiting] = {}
        self._last: dict[str, int] = {}
        self._most = most
        self._thin_at = most
        self.left_out = 0
        """Changes that were never told because too much waited."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._entries.values())

    def add(self, entry: Waiting) -> None:
        """One more is to be published, after all others."""
        key = key_of(entry)
        before = self._entries.get(self._last.get(key, 0))
        if before is not None and not _is_promised(before):
            del self._entries[before.number]
        self._entries[entry.number] = entry
        self._last[key] = entry.number
        if len(self._entries) > self._thin_at:
            self._leave_out()

    def done(self, numbers: Iterable[int]) -> None:
        """The broker has these."""
        for number in numbers:
            entry = self._entries.pop(number, None)
            if entry is not None and self._last.get(key_of(entry)) == number:
                del self._last[key_of(entry)]
        self._thin_at = max(self._most, len(self._entries))

    def first(self, most: int) -> list[Waiting]:
        """The oldest entries, at most so many."""
        return list(islice(self._entries.values(), most))

    def _leave_out(self) -> None:
        overtaken = [
            number for number, entry in self._entries.items() if self._last[key_of(entry)] != number
        ]
        # A tenth at a time: looking for them costs as much as there are.
        for number in overtaken[: len(self._entries) - self._most * 9 // 10]:
            del self._entries[number]
            self.left_out += 1
        self._thin_at = max(self._most, len(self._entries) * 11 // 10)


def key_of(entry: Waiting) -> str:
    """The record's key."""
    return entry.key if isinstance(entry, Forgotten) else entry.event.key()


def _is_promised(entry: Waiting) -> bool:
    return isinstance(entry, Kept) and isinstance(entry.event, AlertChanged)
