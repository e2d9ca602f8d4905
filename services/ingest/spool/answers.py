"""What a spool answered: entries accepted and refused by source, and why nothing is taken now."""

from __future__ import annotations

import time

from shared.runtime.errors import Unavailable

REFUSAL_SECONDS = 5.0
"""After so long without a refusal it is tried again: nobody sends to what says that it cannot."""


class SpoolFull(Unavailable):
    """Raised when neither the broker nor the spool takes a record: it was not accepted."""


class Answers:
    """Counts since the start, and the last refusal that concerns every source.

    Attributes:
        spooled, refused: entries accepted, and not accepted, by source.
    """

    def __init__(self) -> None:
        self.spooled: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self._refusal: str | None = None
        self._refused_at = 0.0

    @property
    def refusal(self) -> str | None:
        """Why nothing is taken now; ``None`` when it is, or when it has not been tried lately."""
        is_recent = time.monotonic() - self._refused_at < REFUSAL_SECONDS
        return self._refusal if is_recent else None

    def accepted(self, source: str) -> None:
        """An entry is durable."""
        self.spooled[source] = self.spooled.get(source, 0) + 1

    def refuse(self, source: str, why: str | None) -> None:
        """Count a delivery; ``why`` is given when those of other sources would be refused too."""
        self.refused[source] = self.refused.get(source, 0) + 1
        if why is not None:
            self._refusal = why
            self._refused_at = time.monotonic()

    def written(self) -> None:
        """All that was put last is on disk: what was refused is tried again at once."""
        self._refusal = None
