"""What others put into a table and cannot be read here, and which partitions that concerns.

Equality deletes take rows out of all older files of their partition; those of a spec without
fields, out of all older files of the table (Iceberg spec, "Scan Planning"). To write such files
anew would bring these rows back. A deletion vector, or data that is not Parquet, concerns its
partition alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyiceberg.manifest import DataFile, ManifestContent
from pyiceberg.table import Table
from pyiceberg.transforms import VoidTransform

from shared.lake.head_checks import Partition, is_by_value, partition_of
from shared.lake.reading.live_files import (
    LiveFile,
    LiveFiles,
    entries,
    manifests,
    require_readable,
)
from shared.lake.table_state import SnapshotEntry
from shared.runtime.errors import Refused


@dataclass(frozen=True, slots=True)
class ReadableFiles:
    """The files of a snapshot that can be read here.

    Attributes:
        files: these.
        refused: partitions with files that cannot, and why.
        everywhere: why no partition may be touched; ``None`` mostly.
    """

    files: LiveFiles
    refused: dict[Partition, Refused]
    everywhere: Refused | None = None

    def refusal(self, partition: Partition) -> Refused | None:
        """Why the files of a partition must stay as they are."""
        return self.everywhere or self.refused.get(partition)


def readable_files(table: Table, snapshot: SnapshotEntry) -> ReadableFiles:
    """The files of a snapshot, those left out that cannot be read here.

    Raises:
        OSError: the object store does not answer, or lacks a manifest.
    """
    data: dict[str, LiveFile] = {}
    deletes: dict[str, LiveFile] = {}
    refused: dict[Partition, Refused] = {}
    everywhere: Refused | None = None
    for manifest in manifests(table.io, snapshot).values():
        into = data if manifest.content == ManifestContent.DATA else deletes
        for live in entries(table.io, manifest):
            try:
                require_readable(table, live.file)
            except Refused as error:
                refused.setdefault(partition_of(live.file), error)
                if _concerns_all(table, live.file):
                    everywhere = everywhere or error
            else:
                into[live.file.file_path] = live
    return ReadableFiles(LiveFiles(data, deletes), refused, everywhere)


def _concerns_all(table: Table, file: DataFile) -> bool:
    fields = table.specs()[file.spec_id].fields
    return is_by_value(file) and all(isinstance(f.transform, VoidTransform) for f in fields)
