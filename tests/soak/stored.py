"""What the store holds of a table beside what its metadata names, as plain PyIceberg reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from shared.lake.maintenance.listing import StoredObject, listing_of
from shared.lake.sweeping import SAFE_DELAY_S

ALLOWED_S = SAFE_DELAY_S + 90.0
"""How long an object may be there that nothing names: until it may be deleted, two looks, a turn
among the other tables, a busy machine."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A listing beside the names.

    Attributes:
        objects, bytes: below the table's location.
        metadata_files: of the objects, those that end in ``.metadata.json``.
        metadata_bytes: of the present one.
        missing: paths that a retained snapshot names and the store does not hold.
        not_listed: paths that it does hold and left out of a listing while others were deleted.
        left_over: paths that nothing has named for longer than it takes to delete them.
        unnamed: objects that nothing names at present.
    """

    objects: int
    bytes: int
    metadata_files: int
    metadata_bytes: int
    missing: Collection[str]
    not_listed: int
    left_over: Collection[str]
    unnamed: int


class Names:
    """Every path that a table's metadata names; what is immutable is read once."""

    def __init__(self) -> None:
        self._lists: dict[str, list[ManifestFile]] = {}
        self._entries: dict[str, frozenset[str]] = {}

    def of(self, table: Table) -> frozenset[str]:
        """Metadata files, and whatever retained snapshots name."""
        metadata = table.metadata
        found = {table.metadata_location, *(e.metadata_file for e in metadata.metadata_log)}
        return frozenset(found | self.of_snapshots(table.io, metadata.snapshots))

    def of_snapshots(self, io: FileIO, snapshots: Collection[Snapshot]) -> set[str]:
        """Manifest lists, manifests, data and delete files of these snapshots."""
        self._lists = {
            each.manifest_list: self._lists.get(each.manifest_list) or each.manifests(io)
            for each in snapshots
        }
        manifests = {m.manifest_path: m for each in self._lists.values() for m in each}
        self._entries = {
            path: self._entries.get(path) or _files(io, manifest)
            for path, manifest in manifests.items()
        }
        return {*self._lists, *manifests, *(f for each in self._entries.values() for f in each)}


def _files(io: FileIO, manifest: ManifestFile) -> frozenset[str]:
    return frozenset(each.data_file.file_path for each in manifest.fetch_manifest_entry(io))


class Stock:
    """Looks at the store of one table again and again."""

    def __init__(self) -> None:
        self._names = Names()
        self._unnamed_since: dict[str, float] = {}

    def look(self, before: Table, after: Callable[[], Table], given_up: Collection[str]) -> Stored:
        """List the store.

        Args:
            before: the table as it was before.
            after: loads it anew. What both name, the store must hold in between.
            given_up: files that writers left behind knowingly, for the sweep of orphans.
        """
        named = self._names.of(before)
        listed: dict[str, StoredObject] = {}
        for page in listing_of(before.io, before.location()).pages(before.location()):
            listed.update((each.path, each) for each in page if each.size)
        now = after()
        named_now = self._names.of(now)
        unnamed = listed.keys() - named - named_now
        moment = time.monotonic()
        self._unnamed_since = {
            path: self._unnamed_since.get(path, moment) for path in unnamed - set(given_up)
        }
        present = listed.get(before.metadata_location)
        unseen = (named & named_now) - listed.keys()
        missing = sorted(path for path in unseen if not before.io.new_input(path).exists())
        return Stored(
            objects=len(listed),
            bytes=sum(each.size for each in listed.values()),
            metadata_files=sum(path.endswith(".metadata.json") for path in listed),
            metadata_bytes=present.size if present is not None else 0,
            missing=missing,
            not_listed=len(unseen) - len(missing),
            left_over=sorted(
                path for path, since in self._unnamed_since.items() if moment - since > ALLOWED_S
            ),
            unnamed=len(unnamed),
        )
