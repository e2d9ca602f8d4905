"""Groups of a compaction that failed: the others are done, and then it is told.

The error that ends the job is of the kind of the gravest one, so that exit code and event say what
is to be done about it, and it tells how much was done all the same.
"""

from __future__ import annotations

import pyarrow as pa

from shared.lake.maintenance.compaction_report import CompactionReport
from shared.runtime.errors import BerglineError, CheckFailed, Refused, Unavailable

UNREADABLE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)
"""What the library raises on a file that is damaged, or holds what it cannot read or convert."""

UNANSWERED = 3
"""So many groups in a row that the store does not answer for, and no further one is begun."""


class FailedGroups:
    """What became of the groups that failed.

    Args:
        table: logical name.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._found: list[tuple[str, BerglineError | OSError]] = []
        self._unanswered = 0

    def __len__(self) -> int:
        return len(self._found)

    @property
    def hopeless(self) -> bool:
        """Whether further groups would fail as well: catalog or store do not answer."""
        return self._unanswered >= UNANSWERED

    def add(self, words: str, error: BerglineError | OSError | pa.ArrowException) -> None:
        """A group failed."""
        if isinstance(error, UNREADABLE):  # its words may hold values of rows
            error = CheckFailed(
                f"a file cannot be read as its schema says ({type(error).__name__})",
                f"check it with `bergline verify {self._table}`",
            )
        if isinstance(error, Unavailable):
            self._unanswered = UNANSWERED
        elif isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            self._unanswered += 1
        else:
            self._unanswered = 0
        self._found.append((words or "a group", error))

    def committed(self) -> None:
        """A group did not fail."""
        self._unanswered = 0

    def error(self, report: CompactionReport) -> BerglineError | OSError:
        """What to raise once all is done that can be; there must be one.

        Args:
            report: what was done all the same.
        """
        words, gravest = min(self._found, key=lambda each: _order(each[1]))
        if len(self._found) == 1 and not report.groups:
            return gravest
        told = f"{words}: {gravest.what if isinstance(gravest, BerglineError) else gravest}"
        if others := len(self._found) - 1:
            told += f"; {others} more groups failed"
        told += f"; {report.groups} groups were committed"
        if report.groups:
            told += f", {report.files_before} files became {report.files_after}"
        if isinstance(gravest, BerglineError):
            return type(gravest)(f"{self._table}: {told}", gravest.next_step)
        kind = FileNotFoundError if isinstance(gravest, FileNotFoundError) else OSError
        return kind(told)


def _order(error: BerglineError | OSError) -> int:
    kinds = (CheckFailed, FileNotFoundError, Refused, Unavailable)
    return next((at for at, kind in enumerate(kinds) if isinstance(error, kind)), len(kinds))
