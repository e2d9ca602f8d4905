"""Level 0: a small change of rows of many partitions is one file, outside of the partitions.

Rows change where they are, and that is in many months at once: a change of forty rows would be
twenty files, and as many of deletes, which every later build and reader opens. So a derived table
that is declared to be partitioned has a second partition spec, one without fields, beside the
declared one, which stays the default. Every manifest names the spec that its files are of (Iceberg
spec, "Manifests"), so all readers know what to make of it; they prune such files by the bounds of
their columns. Folding moves the rows to their partitions before the files become many.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile
from pyiceberg.table import Table

MOST_ROWS = 20_000
MOST_BYTES = 4 * 2**20
"""What a change may hold, in memory, to be written there: its rows are written once more later."""


def level_zero_spec(table: Table) -> int | None:
    """The id of the spec without fields; ``None`` where the default spec is one, or none is."""
    if table.spec().is_unpartitioned():
        return None
    found = [number for number, spec in table.specs().items() if spec.is_unpartitioned()]
    return min(found, default=None)


def fits(partitions: Sequence[pa.Table]) -> bool:
    """Whether rows, given by partition, belong to level 0: of several partitions, and few."""
    return (
        len(partitions) > 1
        and sum(map(len, partitions)) <= MOST_ROWS
        and sum(part.nbytes for part in partitions) <= MOST_BYTES
    )


def is_level_zero(file: DataFile, spec_id: int | None) -> bool:
    """Whether a data file is of level 0: a larger one is of a time before the partitions."""
    return file.spec_id == spec_id and file.record_count <= MOST_ROWS


def listed_in(manifests: Collection[ManifestFile], spec_id: int | None) -> tuple[int, int]:
    """How many live data files of a spec a manifest list tells of, and their rows."""
    own = [
        each
        for each in manifests
        if each.partition_spec_id == spec_id and each.content == ManifestContent.DATA
    ]
    files = sum((each.added_files_count or 0) + (each.existing_files_count or 0) for each in own)
    rows = sum((each.added_rows_count or 0) + (each.existing_rows_count or 0) for each in own)
    return files, rows
