"""Delete data files that nothing names any more since the last snapshot that did was thinned away.

What a compaction or a fold replaces stays named by older snapshots until thinning removes the last
of them. At each look the manifests of all retained snapshots are noted. A manifest that none names
at the next look is read while it is still there (its writer sweeps it
:data:`shared.lake.sweeping.SAFE_DELAY_S` after the removal); those of its files that no
retained manifest lists may go, after as long a delay and another look.

It errs to one side only: what was named and swept between two looks, what it had to drop for its
bound, and what a restart forgets is left to the orphan sweep. A file that no snapshot ever named,
such as one of an attempt with unknown outcome, is never a candidate: a late success may come to
name it. Nor is what a rollback could go back to: that is retained. Where an operator does roll back
between look and deletion, the second check finds the files named and forgets them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from pyiceberg.io import FileIO

from shared.lake.maintenance.deletion import FileDeletion, require_some
from shared.lake.maintenance.digests import digest, place
from shared.lake.maintenance.reachable import NamedFile, files_of, manifests_of, named_among
from shared.lake.sweeping import SAFE_DELAY_S
from shared.lake.table_state import TableState

MAX_WAITING = 100_000
"""Most files that wait to be deleted; the oldest beyond are left to the orphan sweep."""

BATCH = 5_000
"""Most files deleted at once."""


@dataclass(frozen=True, slots=True)
class UnreferencedReport:
    """What was deleted: numbers of files, their bytes, files that could not be deleted."""

    data_files: int = 0
    delete_files: int = 0
    bytes: int = 0
    errors: int = 0


class _Waiting(NamedTuple):
    due: float
    file: NamedFile


class Unreferenced:
    """Remembers which manifests one table names. For one thread at a time.

    Args:
        delay_s: between the look that missed a file and its deletion, in seconds.
        clock: seconds.
        max_waiting: bound of what waits.
    """

    def __init__(
        self,
        delay_s: float = SAFE_DELAY_S,
        clock: Callable[[], float] = time.monotonic,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._delay_s, self._clock, self._max_waiting = delay_s, clock, max_waiting
        self._table_uuid = ""
        self._manifests: frozenset[str] = frozenset()
        self._waiting: OrderedDict[bytes, _Waiting] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Files that are not named any more and not deleted yet."""
        return len(self._waiting)

    def look(self, state: TableState, io: FileIO) -> int:
        """Look at the table as it is now; how many files nothing names any more since the last.

        Raises:
            OSError: what is retained cannot be read; the next look sees all of it.
        """
        if state.table_uuid != self._table_uuid:
            self._waiting.clear()
            self._manifests = frozenset()
        now = manifests_of(io, state.snapshots)
        found: dict[bytes, NamedFile] = {}
        for manifest in self._manifests - now.keys():
            try:
                found.update((digest(each.path), each) for each in files_of(io, manifest))
            except FileNotFoundError:  # swept already: left to the orphan sweep
                continue
        for key in named_among(io, now, found):
            del found[key]
        self._table_uuid, self._manifests = state.table_uuid, frozenset(now)
        due = self._clock() + self._delay_s
        below = place(state.location).rstrip("/") + "/"
        for key, file in found.items():
            if place(file.path).startswith(below):
                self._waiting.setdefault(key, _Waiting(due, file))
        while len(self._waiting) > self._max_waiting:
            self._waiting.popitem(last=False)
        return len(found)

    def due(self) -> bool:
        """Whether something may be deleted now."""
        return any(each.due <= self._clock() for each in list(self._waiting.values())[:1])

    def sweep(self, state: TableState, io: FileIO, files: FileDeletion) -> UnreferencedReport:
        """Delete what is due and still not named in ``state``, which was loaded just now.

        At most :data:`BATCH` files in one call. Nothing is deleted of a table that has been
        replaced by another one of its name. What cannot be deleted is left to the orphan sweep,
        unless nothing can.

        Raises:
            OSError: what is retained cannot be read; nothing was deleted, all of it still waits.
            Unavailable, Refused: not one file could be deleted; all of it still waits.
        """
        if state.table_uuid != self._table_uuid:
            self._waiting.clear()
            return UnreferencedReport()
        now = self._clock()
        due = dict(takewhile(lambda item: item[1].due <= now, self._waiting.items()))
        batch = {key: due[key].file for key in list(due)[:BATCH]}
        if not batch:
            return UnreferencedReport()
        named = named_among(io, manifests_of(io, state.snapshots), batch)
        doomed = {file.path: file for key, file in batch.items() if key not in named}
        done = files.delete(doomed)
        require_some(state.location, len(done.paths), done)
        for key in batch:
            del self._waiting[key]
        gone = [doomed[path] for path in done.paths]
        data = sum(file.is_data for file in gone)
        size = sum(file.size for file in gone)
        return UnreferencedReport(data, len(gone) - data, size, done.errors)
