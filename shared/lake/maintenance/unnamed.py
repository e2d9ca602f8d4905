"""Delete what removed snapshots name and no retained one does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import structlog
from pyiceberg.io import FileIO

from shared.lake.maintenance.deletion import Deleted, FileDeletion, require_some
from shared.lake.maintenance.digests import digest, place
from shared.lake.maintenance.reachable import (
    NamedFile,
    files_of,
    listed,
    manifests_of,
    metadata_named,
    named_among,
)
from shared.lake.table_state import SnapshotEntry, TableState

HELD = 50_000
"""Most files that are looked up, and deleted, at once, unless one manifest lists more."""

log = structlog.stdlib.get_logger("bergline.lake")


@dataclass(slots=True)
class Freed:
    """Numbers of files that are gone, their bytes, and files that could not be deleted."""

    data: int = 0
    deletes: int = 0
    manifests: int = 0
    bytes: int = 0
    errors: int = 0
    failed: Deleted = field(default_factory=Deleted)
    """The first deletion that failed."""

    def require_some(self, table: str) -> None:
        """Raises as :func:`shared.lake.maintenance.deletion.require_some`."""
        failed = replace(self.failed, errors=self.errors)
        require_some(table, self.data + self.deletes + self.manifests, failed)


class Unnamed:
    """What removed snapshots of one table leave behind.

    Args:
        io: of the table.
        removed: the snapshots, none of which is retained any more.
        load: the table as it is now.
        files: what deletes; ``None``: nothing is deleted, only counted.
    """

    def __init__(
        self,
        io: FileIO,
        removed: Collection[SnapshotEntry],
        load: Callable[[], TableState],
        files: FileDeletion | None,
    ) -> None:
        self._io, self._removed, self._load, self._files = io, removed, load, files

    def delete(self, table_uuid: str) -> Freed:
        """Delete it: data and delete files, then manifests, manifest lists last.

        Before each deletion the table is loaded and what it names is left; only what lies below
        its location is touched, and nothing once another table has its name.

        Raises:
            OSError: what is retained cannot be read, so nobody can say what may go.
        """
        freed = Freed()
        lists = self._lists()
        retained = manifests_of(self._io, self._now(table_uuid).snapshots)
        doomed = {
            path: size
            for manifests in lists.values()
            for path, size in manifests[1].items()
            if path not in retained
        }
        for batch in self._batches(doomed):
            state = self._now(table_uuid)
            named = named_among(self._io, manifests_of(self._io, state.snapshots), batch)
            left = {e.path: e for key, e in batch.items() if key not in named}
            gone = self._gone(state, {path: each.size for path, each in left.items()}, freed)
            data = sum(left[path].is_data for path in gone)
            freed.data += data
            freed.deletes += len(gone) - data
        state = self._now(table_uuid)
        retained = manifests_of(self._io, state.snapshots)
        own = {path: size for path, size in doomed.items() if path not in retained}
        freed.manifests += len(self._gone(state, own, freed))
        state = self._now(table_uuid)
        named_now = set(metadata_named(state))
        own = {path: size for path, (size, _) in lists.items() if path not in named_now}
        freed.manifests += len(self._gone(state, own, freed))
        return freed

    def _lists(self) -> dict[str, tuple[int, Mapping[str, int]]]:
        """The manifest lists of what was removed, as far as they are still there."""
        found: dict[str, tuple[int, Mapping[str, int]]] = {}
        for snapshot in self._removed:
            try:
                size, manifests = listed(self._io, snapshot)
            except FileNotFoundError:
                continue
            found[snapshot.manifest_list] = size, manifests
        return found

    def _batches(self, manifests: Collection[str]) -> Iterator[dict[bytes, NamedFile]]:
        held: dict[bytes, NamedFile] = {}
        for manifest in manifests:
            try:
                held.update((digest(each.path), each) for each in files_of(self._io, manifest))
            except FileNotFoundError:
                continue
            if len(held) >= HELD:
                yield held
                held = {}
        if held:
            yield held

    def _now(self, table_uuid: str) -> TableState:
        state = self._load()
        if state.table_uuid != table_uuid:
            raise OtherTable
        return state

    def _gone(self, state: TableState, sizes: Mapping[str, int], freed: Freed) -> frozenset[str]:
        below = place(state.location).rstrip("/") + "/"
        own = [path for path in sizes if place(path).startswith(below)]
        if self._files is None:
            gone = frozenset(own)
        else:
            done = self._files.delete(own) if own else None
            gone = done.paths if done else frozenset()
            if done is not None and done.errors:
                freed.failed = freed.failed if freed.errors else done
                freed.errors += done.errors
        freed.bytes += sum(sizes[path] for path in gone)
        return gone


class OtherTable(Exception):
    """Another table has the name by now."""
