"""How much is let in at once, so that memory is bounded whatever the broker or a sender does."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from services.ingest.problem import OVERLOADED, RETRY_AFTER_SECONDS, Refused


class Admission:
    """Counts deliveries and body bytes from the first byte read until the broker has settled them.

    A delivery that was answered 503 because the broker is slow still occupies the producer's
    memory, so it is counted until the producer lets go of it.

    Args:
        max_deliveries, max_bytes: of all sources.
        source_share: part of both that one source may take, so that others find room beside it.
    """

    def __init__(self, max_deliveries: int, max_bytes: int, source_share: float = 1.0) -> None:
        self.max_deliveries = max_deliveries
        self.max_bytes = max_bytes
        self.source_share = source_share
        self.deliveries = 0
        self.bytes = 0

    def room(self, source: str) -> Room:
        """The room of a source; to be taken once for each."""
        return Room(self, source)


class Room:
    """What one source may take; all its endpoints share it."""

    def __init__(self, admission: Admission, source: str) -> None:
        self.admission = admission
        self.source = source
        self.max_deliveries = max(1, int(admission.max_deliveries * admission.source_share))
        self.max_bytes = int(admission.max_bytes * admission.source_share)
        self.deliveries = 0
        self.bytes = 0

    def hold(self) -> Hold:
        """Room for one delivery, to be used as a context manager.

        Raises:
            Refused: there is none.
        """
        admission = self.admission
        if admission.deliveries >= admission.max_deliveries:
            raise _overloaded(f"{admission.max_deliveries} deliveries are in flight")
        if self.deliveries >= self.max_deliveries:
            raise _overloaded(f"{self.max_deliveries} deliveries of {self.source} are in flight")
        admission.deliveries += 1
        self.deliveries += 1
        return Hold(self)


class Hold:
    """What one delivery occupies; given back when its context ends, or when its record settles."""

    __slots__ = ("_lent", "_room", "_size")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0
        self._lent = False

    def grow(self, size: int) -> None:
        """Occupy ``size`` further bytes.

        Raises:
            Refused: there is no room for them.
        """
        room = self._room
        admission = room.admission
        if admission.bytes + size > admission.max_bytes:
            raise _overloaded(f"{admission.max_bytes} bytes of bodies are in flight")
        if room.bytes + size > room.max_bytes:
            raise _overloaded(f"{room.max_bytes} bytes of {room.source}'s bodies are in flight")
        admission.bytes += size
        room.bytes += size
        self._size += size

    def lend(self) -> None:
        """Keep the room beyond the context, until :meth:`give_back` is called."""
        self._lent = True

    def give_back(self) -> None:
        """Give the room back; to be called once."""
        room = self._room
        admission = room.admission
        admission.deliveries -= 1
        admission.bytes -= self._size
        room.deliveries -= 1
        room.bytes -= self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._lent:
            self.give_back()


def _overloaded(detail: str) -> Refused:
    return Refused(OVERLOADED, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
