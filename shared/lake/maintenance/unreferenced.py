"""Delete data files that were named at the last look at a table and are not any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pyiceberg.io import FileIO

from shared.lake.maintenance.deletion import FileDeletion
from shared.lake.sweeping import SAFE_DELAY_S
from shared.lake.table_state import TableState


@dataclass(frozen=True, slots=True)
class UnreferencedReport:
    """What was deleted: numbers of files, their bytes, files that could not be deleted."""

    data_files: int = 0
    delete_files: int = 0
    bytes: int = 0
    errors: int = 0


class Unreferenced:
    """Remembers what one table names."""

    def __init__(
        self, delay_s: float = SAFE_DELAY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._delay_s, self._clock = delay_s, clock

    def look(self, state: TableState, io: FileIO) -> int:
        """Look at the table as it is now; how many files nothing names any more since then."""
        raise NotImplementedError

    def due(self) -> bool:
        """Whether something may be deleted now."""
        raise NotImplementedError

    def sweep(self, state: TableState, io: FileIO, files: FileDeletion) -> UnreferencedReport:
        """Delete what is due and still not named in ``state``, which was loaded just now."""
        raise NotImplementedError
