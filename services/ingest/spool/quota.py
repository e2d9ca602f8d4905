"""How much of the disk the spool may take, and each source of it. Pure."""

from __future__ import annotations

from collections import Counter


class Full(Exception):
    """Raised when there is no room: the message says whose, and how much is taken.

    Attributes:
        is_whole: no source has room, not only this one.
    """

    def __init__(self, what: str, *, is_whole: bool) -> None:
        super().__init__(what)
        self.is_whole = is_whole


class Quota:
    """Bytes on disk by source, those about to be written included.

    Args:
        max_bytes: of all sources together.
        share: of it that one source may take, above 0 and at most 1.
    """

    def __init__(self, max_bytes: int, share: float) -> None:
        self.max_bytes = max_bytes
        self.source_bytes = int(max_bytes * share)
        self._used: Counter[str] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes of all sources."""
        return self._total

    def used(self, source: str) -> int:
        """Bytes of one source."""
        return self._used[source]

    def reserve(self, source: str, size: int) -> None:
        """Take ``size`` bytes.

        Raises:
            Full: nothing was taken.
        """
        if self._total + size > self.max_bytes:
            raise Full(f"the spool holds {self._total} bytes, its limit", is_whole=True)
        if self._used[source] + size > self.source_bytes:
            raise Full(
                f"the spool holds {self._used[source]} bytes of {source}, its share", is_whole=False
            )
        self.add(source, size)

    def add(self, source: str, size: int) -> None:
        """Account bytes that are there already, or, when negative, are there no longer."""
        self._used[source] += size
        self._total += size
