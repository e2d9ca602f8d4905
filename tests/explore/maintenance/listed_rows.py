"""What a snapshot holds, read from its files by PyIceberg and Arrow alone; nothing of ours helps.

Everything that is read is immutable, so it is read once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntry, read_manifest_list

from tests.explore.maintenance.store import Store, StoreIO

Place = tuple[str, int]
"""A data file and a position in it."""


@dataclass(frozen=True)
class Listed:
    """A snapshot's files and rows.

    Attributes:
        named: every file that it names, its manifest list included.
        added: data and delete files that came with it.
        files: live data files by path.
        deletes: live delete files by path.
        places: identity of every live row, and where it stands; an identity may stand twice.
    """

    named: frozenset[str]
    added: frozenset[str]
    files: Mapping[str, DataFile]
    deletes: Mapping[str, DataFile]
    places: tuple[tuple[int, Place], ...]

    @cached_property
    def rows(self) -> frozenset[int]:
        """The identities."""
        return frozenset(each for each, _ in self.places)


class Reader:
    """Reads snapshots of a store; rows are known by the column ``identity``."""

    def __init__(self, store: Store, identity: str) -> None:
        self._io, self._identity = StoreIO(store, quiet=True), identity
        self._store = store
        self.known: dict[str, DataFile] = {}
        """Every data file that any snapshot named."""
        self._lists: dict[str, Listed] = {}
        self._manifests: dict[str, list[ManifestEntry]] = {}
        self._identities: dict[str, list[int]] = {}
        self._positions: dict[str, list[Place]] = {}

    def listed(self, manifest_list: str, snapshot_id: int) -> Listed:
        """What the snapshot of that manifest list holds.

        Raises:
            FileNotFoundError: a file that it names is not in the store.
        """
        if manifest_list not in self._lists:
            self._lists[manifest_list] = self._read(manifest_list, snapshot_id)
        return self._lists[manifest_list]

    def identities(self, path: str) -> list[int]:
        """Of the rows of a data file, the deleted ones included."""
        if path not in self._identities:
            read = pq.read_table(
                pa.BufferReader(self._store.content(path)), columns=[self._identity]
            )
            self._identities[path] = read[self._identity].to_pylist()
        return self._identities[path]

    def _read(self, manifest_list: str, snapshot_id: int) -> Listed:
        data, deletes = list[ManifestEntry](), list[ManifestEntry]()
        named, added = {manifest_list}, set[str]()
        for manifest in read_manifest_list(self._io.new_input(manifest_list)):
            path = manifest.manifest_path
            named.add(path)
            if path not in self._manifests:
                self._manifests[path] = manifest.fetch_manifest_entry(self._io)
            for entry in self._manifests[path]:
                file = entry.data_file
                named.add(file.file_path)
                self._store.content(file.file_path)
                if entry.snapshot_id == snapshot_id:
                    added.add(file.file_path)
                (data if file.content == DataFileContent.DATA else deletes).append(entry)
        self.known.update((each.data_file.file_path, each.data_file) for each in data)
        return Listed(
            frozenset(named),
            frozenset(added),
            {each.data_file.file_path: each.data_file for each in data},
            {each.data_file.file_path: each.data_file for each in deletes},
            tuple(self._living(data, deletes)),
        )

    def _living(
        self, data: list[ManifestEntry], deletes: list[ManifestEntry]
    ) -> list[tuple[int, Place]]:
        """Iceberg spec, "Scan Planning": a delete reaches older or equally old files beside it."""
        gone: dict[str, list[tuple[ManifestEntry, int]]] = defaultdict(list)
        for entry in deletes:
            for path, position in self._deleted(entry.data_file.file_path):
                gone[path].append((entry, position))
        found = []
        for entry in data:
            file, number = entry.data_file, entry.sequence_number or 0
            lost = {
                position
                for delete, position in gone[file.file_path]
                if (delete.sequence_number or 0) >= number
                and delete.data_file.spec_id == file.spec_id
                and delete.data_file.partition == file.partition
            }
            found += [
                (identity, (file.file_path, position))
                for position, identity in enumerate(self.identities(file.file_path))
                if position not in lost
            ]
        return found

    def _deleted(self, path: str) -> list[Place]:
        if path not in self._positions:
            read = pq.read_table(pa.BufferReader(self._store.content(path))).to_pydict()
            self._positions[path] = list(zip(read["file_path"], read["pos"], strict=True))
        return self._positions[path]
