"""The files that a snapshot consists of, as its manifests list them.

Manifests and manifest lists are never changed once written (Iceberg spec, "Manifests"), so each is
read once a process as long as it stays within the bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestFile,
)
from pyiceberg.table import Table

from shared.lake.reading.bounded_cache import BoundedCache
from shared.lake.reading.manifest_content import content_of, entries_in, manifests_in
from shared.lake.table_state import SnapshotEntry
from shared.runtime.errors import Refused

KEPT_BYTES = 64 * 2**20
"""About as much of descriptions of files is kept: 10,000 of 26 columns, 5,000 of 60."""

_FILE_BYTES, _COLUMN_BYTES = 600, 240
"""Of a description, and what each of its columns adds: five figures in as many dictionaries."""

KEPT_LISTED = 20_000
"""Most manifests, summed over the manifest lists kept."""


class LiveFile(NamedTuple):
    """A file of a snapshot and its *data* sequence number: deletes with a lower one miss it."""

    file: DataFile
    sequence_number: int


@dataclass(frozen=True, slots=True)
class LiveFiles:
    """Files by path.

    Attributes:
        data: data files.
        deletes: position delete files.
    """

    data: Mapping[str, LiveFile]
    deletes: Mapping[str, LiveFile]


def _bytes(entries: tuple[LiveFile, ...]) -> int:
    """About how much memory they take."""
    columns = sum(len(each.file.value_counts or ()) for each in entries)
    return len(entries) * _FILE_BYTES + columns * _COLUMN_BYTES


_ENTRIES: BoundedCache[tuple[LiveFile, ...]] = BoundedCache(KEPT_BYTES, _bytes)
_LISTS: BoundedCache[tuple[ManifestFile, ...]] = BoundedCache(KEPT_LISTED, len)


def live_files(table: Table, snapshot: SnapshotEntry) -> LiveFiles:
    """All files of a snapshot.

    Raises:
        Refused: it has files that cannot be read here: equality deletes, deletion vectors, or
            data that is not Parquet.
        OSError: the object store does not answer, or lacks a manifest.
    """
    return files_in(table, manifests(table.io, snapshot).values())


def files_in(table: Table, chosen: Iterable[ManifestFile]) -> LiveFiles:
    """The live files of these manifests; raises as :func:`live_files`."""
    data: dict[str, LiveFile] = {}
    deletes: dict[str, LiveFile] = {}
    for manifest in chosen:
        into = data if manifest.content == ManifestContent.DATA else deletes
        for live in entries(table.io, manifest):
            require_readable(table, live.file)
            into[live.file.file_path] = live
    return LiveFiles(data, deletes)


def manifests(io: FileIO, snapshot: SnapshotEntry | None) -> Mapping[str, ManifestFile]:
    """The manifests of a snapshot by path; none of no snapshot."""
    if snapshot is None:
        return {}
    path = snapshot.manifest_list
    listed = _LISTS.get(path, lambda: manifests_in(content_of(io, path)))
    return {manifest.manifest_path: manifest for manifest in listed}


def listed_by(io: FileIO, snapshot: SnapshotEntry) -> tuple[ManifestFile, ...]:
    """:func:`manifests` for one who asks once, like a writer: nothing is kept for it."""
    path = snapshot.manifest_list
    return _LISTS.peek(path) or manifests_in(content_of(io, path))


def entries(io: FileIO, manifest: ManifestFile) -> tuple[LiveFile, ...]:
    """What a manifest lists as live."""
    return _ENTRIES.get(manifest.manifest_path, lambda: _read(io, manifest))


def _read(io: FileIO, manifest: ManifestFile) -> tuple[LiveFile, ...]:
    return tuple(
        LiveFile(entry.data_file, entry.sequence_number or 0)
        for entry in entries_in(content_of(io, manifest.manifest_path), manifest)
    )


def require_readable(table: Table, file: DataFile) -> None:
    """Let pass what is read here.

    Raises:
        Refused: equality deletes, deletion vectors, or another format than Parquet.
    """
    if file.content != DataFileContent.EQUALITY_DELETES and file.file_format == FileFormat.PARQUET:
        return
    kind = (
        "holds equality deletes"
        if file.content == DataFileContent.EQUALITY_DELETES
        else f"is a {file.file_format.value} file"
    )
    raise Refused(
        f"{'.'.join(table.name())}: {file.file_path} {kind}; "
        "only Parquet data and Parquet position deletes are read",
        "rewrite the table's files with the engine that wrote it "
        "(Spark: CALL system.rewrite_data_files), then let everything that reads it build in full",
    )
