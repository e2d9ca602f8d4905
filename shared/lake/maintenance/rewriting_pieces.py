"""What becomes of the row groups of old files: copied, or written anew. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.lake.maintenance.copied_groups import OldGroup


@dataclass(frozen=True, slots=True)
class Copied:
    """A row group that is copied.

    Attributes:
        file: number of the old file.
        group: in that file.
    """

    file: int
    group: OldGroup


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring row groups of a file, or all of it.

    Attributes:
        file: number of the old file.
        first: position of the first row.
        groups: the row groups; ``None`` for the whole file.
    """

    file: int
    first: int = 0
    groups: tuple[OldGroup, ...] | None = None


@dataclass(frozen=True, slots=True)
class Anew:
    """What is written anew together."""

    parts: tuple[Part, ...]


Step = Copied | Anew
