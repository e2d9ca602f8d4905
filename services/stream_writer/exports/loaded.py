"""What became of a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file: ``rows = inserted + present + repeated``.

    Attributes:
        uri: where it is.
        rows: rows of the file.
        inserted: those that the table lacked.
        present: those that the table had.
        repeated: those whose id an earlier row of the file has.
        bad: inserted ones with an error.
        drifted: inserted ones with a value that did not fit its column.
    """

    uri: str
    rows: int = 0
    inserted: int = 0
    present: int = 0
    repeated: int = 0
    bad: int = 0
    drifted: int = 0

    def to_summary(self) -> str:
        """As the snapshot holds it."""
        return msgspec.json.encode(asdict(self)).decode()
