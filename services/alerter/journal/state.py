"""What the entries of a journal come to: where everything stands, and what is unpublished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.alerter.journal.lines import Entry, Forgotten, Kept, Owned, Published
from services.alerter.journal.unpublished import Unpublished
from services.alerter.states.merging import events, forget, merge
from shared.alerting.board import Board


@dataclass(slots=True)
class JournalState:
    """All that a journal says.

    Attributes:
        board: where everything stands.
        unpublished: what the broker does not have yet.
        owned: the rules that this alerter owned last; ``None`` when it never owned any.
    """

    board: Board = field(default_factory=Board)
    unpublished: Unpublished = field(default_factory=Unpublished)
    owned: tuple[str, ...] | None = None
    _number: int = 0

    def number(self) -> int:
        """The next number under which something is to be published."""
        self._number += 1
        return self._number

    def take(self, entry: Entry) -> bool:
        """Take one entry; whether it changed where things stand."""
        match entry:
            case Kept(event, number, own):
                self._add(entry, number)
                return merge(self.board, event, own=own)
            case Forgotten(key, number):
                self._add(entry, number)
                return forget(self.board, key)
            case Published(numbers):
                self.unpublished.done(numbers)
                return False
            case Owned(rules):
                self.owned = rules
                return True

    def entries(self) -> list[Entry]:
        """The fewest entries that come to the same."""
        return [
            *self.unpublished,
            *(Kept(event) for event in events(self.board)),
            *(() if self.owned is None else (Owned(self.owned),)),
        ]

    def _add(self, entry: Kept | Forgotten, number: int) -> None:
        if number:
            self._number = max(self._number, number)
            self.unpublished.add(entry)


def of(entries: Iterable[Entry]) -> JournalState:
    """What these entries come to."""
    state = JournalState()
    for entry in entries:
        state.take(entry)
    return state
