"""What bounds a load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a load.

    Attributes:
        memory_bytes: about how much of a file is in memory at most.
        max_bytes: largest file.
        bad_share: share of bad rows above which a file is refused as a whole.
        bad_minimum: fewest bad rows for that.
    """

    memory_bytes: int = 64 * 2**20
    max_bytes: int = 20 * 2**30
    bad_share: float = 0.5
    bad_minimum: int = 100
