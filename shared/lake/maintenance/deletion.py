"""Delete files of a table for good: what is asked for, and no more than belongs to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of files that were to be deleted.

    Attributes:
        paths: those that are gone.
        errors: how many could not be deleted; an orphan sweep finds them later.
        error: the first error, in words.
    """

    paths: frozenset[str] = frozenset()
    errors: int = 0
    error: str = ""


class FileDeletion(Protocol):
    """Deletes files of one store."""

    def delete(self, paths: Iterable[str]) -> Deleted:
        """Delete these files; one that is gone already counts as deleted. Raises nothing."""
