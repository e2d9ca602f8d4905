"""What the metadata of a table names: of every retained snapshot, of whatever branch or tag.

Manifests and manifest lists are read one after the other, and of the files that they list no more
is kept than a digest each. They never change, so what was read of one stays true.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFileContent

from shared.lake.maintenance.digests import Digests, digest, split
from shared.lake.reading.bounded_cache import BoundedCache
from shared.lake.reading.manifest_content import manifests_in, names_in
from shared.lake.table_state import SnapshotEntry, TableState

KEPT_LISTED = 200_000
"""Most manifests, summed over the manifest lists kept; some 100 bytes each."""

KEPT_DIGESTS = 32 * 2**20
"""Bytes of digests kept: of 2.8 million files."""


class ManifestList(NamedTuple):
    """A manifest list: its own bytes, and path → bytes of each manifest in it."""

    size: int
    manifests: Mapping[str, int]


class NamedFile(NamedTuple):
    """A data or delete file that a manifest lists as live."""

    path: str
    size: int
    is_data: bool


_LISTS: BoundedCache[ManifestList] = BoundedCache(KEPT_LISTED, lambda each: len(each.manifests))
_DIGESTS: BoundedCache[bytes] = BoundedCache(KEPT_DIGESTS, len)


def listed(io: FileIO, snapshot: SnapshotEntry) -> ManifestList:
    """The manifest list of a snapshot.

    Raises:
        OSError: the object store does not answer, or lacks it (FileNotFoundError).
    """
    return _LISTS.get(snapshot.manifest_list, lambda: _read_list(io, snapshot.manifest_list))


def manifests_of(io: FileIO, snapshots: Iterable[SnapshotEntry]) -> dict[str, int]:
    """Path → bytes of all manifests of these snapshots; raises as :func:`listed`."""
    found: dict[str, int] = {}
    for snapshot in snapshots:
        found.update(listed(io, snapshot).manifests)
    return found


def files_of(io: FileIO, manifest: str) -> Iterator[NamedFile]:
    """The files that a manifest lists as live; raises as :func:`listed`."""
    for path, size, content in names_in(_stored(io, manifest)):
        yield NamedFile(path, size, content == DataFileContent.DATA)


def digests_of(io: FileIO, manifest: str) -> bytes:
    """Digests of the files that a manifest lists as live; raises as :func:`listed`."""
    return _DIGESTS.get(
        manifest, lambda: b"".join(digest(each.path) for each in files_of(io, manifest))
    )


def named_among(io: FileIO, manifests: Iterable[str], wanted: Collection[bytes]) -> set[bytes]:
    """Which of the files with these digests the manifests list; raises as :func:`listed`."""
    found: set[bytes] = set()
    missing = set(wanted)
    for manifest in manifests:
        if not missing:
            break
        here = missing.intersection(split(digests_of(io, manifest)))
        found |= here
        missing -= here
    return found


def metadata_named(state: TableState) -> Iterator[str]:
    """Files that the metadata names itself: of metadata, of statistics, manifest lists."""
    if state.metadata_location:
        yield state.metadata_location
    for entry in state.metadata_log:
        yield entry.metadata_file
    for file in (*state.statistics, *state.partition_statistics):
        yield file.statistics_path
    for snapshot in state.snapshots:
        yield snapshot.manifest_list


class Reachable:
    """Everything that a table names, or named at any look since this was made.

    A look reads only manifests that were not there at the looks before.
    """

    def __init__(self, io: FileIO) -> None:
        self._io = io
        self._named = Digests()
        self._lists: set[str] = set()

    def add(self, state: TableState) -> None:
        """Take in what ``state`` names.

        Raises:
            OSError: a manifest cannot be read, so nobody can say what is named.
        """
        for path in metadata_named(state):
            self._named.add(digest(path))
        for snapshot in state.snapshots:
            if snapshot.manifest_list in self._lists:
                continue
            for manifest in listed(self._io, snapshot).manifests:
                own = digest(manifest)
                if own not in self._named:
                    for each in split(digests_of(self._io, manifest)):
                        self._named.add(each)
                    self._named.add(own)
            self._lists.add(snapshot.manifest_list)

    def __contains__(self, path: str) -> bool:
        return digest(path) in self._named

    def __len__(self) -> int:
        return len(self._named)


def _read_list(io: FileIO, path: str) -> ManifestList:
    content = _stored(io, path)
    manifests = {  # interned, because neighbours name nearly the same manifests
        sys.intern(each.manifest_path): each.manifest_length for each in manifests_in(content)
    }
    return ManifestList(len(content), manifests)


def _stored(io: FileIO, path: str) -> bytes:
    """What the store holds, not what this process remembers: it may be deleted."""
    with io.new_input(path).open() as stream:
        return stream.read()
