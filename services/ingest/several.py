"""One request that holds several events: answered once, when it is known what became of each."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from services.ingest.admission import Hold
from services.ingest.problem import Refused


class Several:
    """Counts what became of the events of one request.

    Args:
        done: called once, when nothing is under way any more: with the number of accepted events,
            the number kept as dead letters, and the first refusal, ``None`` when there was none.
    """

    def __init__(self, done: Callable[[int, int, Refused | None], None]) -> None:
        self._done = done
        # The one who adds holds one: nothing is done before all are added.
        self._under_way = 1
        self._accepted = 0
        self._kept = 0
        self._refused: Refused | None = None

    def add(self) -> None:
        """One more is under way."""
        self._under_way += 1

    def published(self, refused: Refused | None, _: str = "") -> None:
        """One of them is durable, or refused."""
        if refused is None:
            self._accepted += 1
            self._end()
        else:
            self.refused(refused)

    def kept(self, refused: Refused | None, _: str = "") -> None:
        """One of them is a dead letter now, or refused."""
        if refused is None:
            self._kept += 1
            self._end()
        else:
            self.refused(refused)

    def refused(self, refused: Refused) -> None:
        """One of them is not there: the vendor has to send all of them again."""
        self._refused = self._refused or refused
        self._end()

    def complete(self) -> None:
        """All are added."""
        self._end()

    def _end(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._done(self._accepted, self._kept, self._refused)


class SharedHold(Hold):
    """The room of one request, lent to each of its records, given back after the last of them.

    Used as a context manager while its records are published: it cannot be given back meanwhile.
    """

    __slots__ = ("_borrowers", "_hold")

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._borrowers = 0

    def __enter__(self) -> Self:
        self.lend()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()

    def grow(self, size: int) -> None:
        """See :class:`~services.ingest.admission.Hold`."""
        self._hold.grow(size)

    def lend(self) -> None:
        """See :class:`~services.ingest.admission.Hold`; each record is given back once."""
        if not self._borrowers:
            self._hold.lend()
        self._borrowers += 1

    def give_back(self) -> None:
        """See :class:`~services.ingest.admission.Hold`."""
        self._borrowers -= 1
        if not self._borrowers:
            self._hold.give_back()
