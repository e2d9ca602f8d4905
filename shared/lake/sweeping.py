"""Delete the manifests of snapshots that thinning removed, after a safe delay.

A manifest list belongs to one snapshot. A manifest, of data or of delete files, may be shared by
many, so it is deleted only when no snapshot that is still retained names it; that is checked
against every retained manifest list, because after a rollback sharing does not follow the order of
time. Data and delete files themselves are never deleted here, also when no retained snapshot names
them any more: that is the work of :mod:`shared.lake.maintenance.unreferenced`. What a crash leaves
behind is found by the orphan sweep.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import structlog
from pyiceberg.io import FileIO

from shared.lake.reading.manifest_content import content_of, manifests_in
from shared.lake.table_state import SnapshotEntry, TableState

log = structlog.stdlib.get_logger("bergline.lake")

SAFE_DELAY_S = 600.0
"""Longer than any reader plans a scan on metadata that it loaded before the removal."""

MAX_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class _Removed:
    due: float
    snapshot_id: int
    manifest_list: str


class Sweeper:
    """Remembers removed snapshots of one table and deletes their manifests when it is safe.

    Bounded: beyond :data:`MAX_WAITING` the oldest are left to the orphan sweep.
    """

    def __init__(
        self, delay_s: float = SAFE_DELAY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._delay_s = delay_s
        self._clock = clock
        self._waiting: deque[_Removed] = deque(maxlen=MAX_WAITING)
        self._lists: dict[int, frozenset[str]] = {}
        self._table_uuid = ""

    @property
    def waiting(self) -> int:
        """Removed snapshots whose manifests are not deleted yet."""
        return len(self._waiting)

    def removed(self, table_uuid: str, snapshots: Iterable[SnapshotEntry]) -> None:
        """Note snapshots that a commit has just removed from a table."""
        self._only(table_uuid)
        due = self._clock() + self._delay_s
        for snapshot in snapshots:
            self._waiting.append(_Removed(due, snapshot.snapshot_id, snapshot.manifest_list))

    def due(self) -> bool:
        """Whether something may be deleted now."""
        return bool(self._waiting) and self._waiting[0].due <= self._clock()

    def sweep(self, state: TableState, io: FileIO, limit: int = 500) -> int:
        """Delete what is due and unshared; returns the number of objects deleted.

        A manifest that a removed snapshot shares with one removed later is left to the later one,
        so that the delay holds for every snapshot that named it. Nothing of a table is deleted
        when another one has its name.

        Args:
            state: the table now; loaded after the removal.
            io: the table's FileIO.
            limit: most snapshots handled in one call.

        Raises:
            OSError: what is retained cannot be read; nothing was deleted, all of it still waits.
        """
        self._only(state.table_uuid)
        now = self._clock()
        due = [entry for entry in islice(self._waiting, limit) if entry.due <= now]
        if not due:
            return 0
        retained = {s.snapshot_id: s.manifest_list for s in state.snapshots}
        live: set[str] = set()
        for snapshot_id, manifest_list in retained.items():
            live |= self._manifests(snapshot_id, manifest_list, io)
        for _ in due:
            self._waiting.popleft()
        for entry in self._waiting:
            live |= self._manifests_if_any(entry, io)
        gone = [entry for entry in due if entry.snapshot_id not in retained]
        doomed: set[str] = set()
        for entry in gone:
            doomed |= self._manifests_if_any(entry, io)
        # Lists last: what a crash leaves in between can still be found through them.
        paths = [*sorted(doomed - live), *(entry.manifest_list for entry in gone)]
        deleted = sum(_delete(path, io) for path in paths)
        needed = retained.keys() | {entry.snapshot_id for entry in self._waiting}
        self._lists = {key: value for key, value in self._lists.items() if key in needed}
        return deleted

    def _only(self, table_uuid: str) -> None:
        """Another table may have the name now: nobody here knows what the old one retains."""
        if table_uuid != self._table_uuid:
            self._waiting.clear()
            self._lists.clear()
            self._table_uuid = table_uuid

    def _manifests_if_any(self, entry: _Removed, io: FileIO) -> frozenset[str]:
        try:
            return self._manifests(entry.snapshot_id, entry.manifest_list, io)
        except OSError as error:  # gone already, or left to the orphan sweep
            log.debug("removed snapshot not readable", error=str(error))
            return frozenset()

    def _manifests(self, snapshot_id: int, manifest_list: str, io: FileIO) -> frozenset[str]:
        known = self._lists.get(snapshot_id)
        if known is None:
            known = frozenset(  # interned, because neighbours name nearly the same manifests
                sys.intern(manifest.manifest_path)
                for manifest in manifests_in(content_of(io, manifest_list))
            )
            self._lists[snapshot_id] = known
        return known


def _delete(path: str, io: FileIO) -> bool:
    try:
        io.delete(path)
    except OSError as error:  # gone already, or left to the orphan sweep
        log.debug("removed snapshot not swept", path=path, error=str(error))
        return False
    return True
