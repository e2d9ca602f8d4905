"""How a table stands: files by partition, deleted rows, manifests."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, ManifestContent
from pyiceberg.table import Table
from pyiceberg.types import NestedField, PrimitiveType

from shared.lake.folding_policy import files_by_partition
from shared.lake.level_zero import is_level_zero, level_zero_spec
from shared.lake.maintenance.foreign_files import ReadableFiles, readable_files
from shared.lake.maintenance.ordering import neighbours
from shared.lake.provenance import traced
from shared.lake.reading.live_files import LiveFile, LiveFiles, manifests
from shared.lake.recorded import recorded
from shared.lake.surviving_rows import deleted_positions
from shared.lake.table_state import SnapshotEntry, TableState
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class FileShape:
    """A data file.

    Attributes:
        path: where it is.
        size: in bytes.
        rows: in it.
        deleted: those of them that position deletes take out.
        sequence_number: its data sequence number.
        lower: lower bound of the column by which files are neighbours
            (:func:`shared.lake.maintenance.ordering.neighbours`), ``None`` where none is known.
    """

    path: str
    size: int
    rows: int
    deleted: int = 0
    sequence_number: int = 0
    lower: Any = None


@dataclass(frozen=True, slots=True)
class PartitionShape:
    """The files of one partition of one partition spec.

    Attributes:
        spec_id: the partition spec.
        words: the partition as in a path, ``day=2026-01-02``; empty for none.
        level_zero: it is level 0 of the table, which folding sees to.
        files: its data files.
        delete_files, delete_bytes: position delete files beside them.
        newest_ms: when the newest of its data files came, at the latest.
        refusal: why its files must stay as they are: it holds what cannot be read here.
    """

    spec_id: int
    words: str
    level_zero: bool
    files: tuple[FileShape, ...]
    delete_files: int = 0
    delete_bytes: int = 0
    newest_ms: int = 0
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table at one moment.

    Attributes:
        name: logical name.
        snapshot_id: the head of ``main``, ``None`` for a table without one.
        partitions: with files.
        data_manifests, delete_manifests: that the head lists.
        foreign_head: snapshots of others on top of the one that says where the table stands.
    """

    name: str
    snapshot_id: int | None
    partitions: tuple[PartitionShape, ...]
    data_manifests: int = 0
    delete_manifests: int = 0
    foreign_head: int = 0

    @property
    def files(self) -> int:
        """Data files."""
        return sum(len(each.files) for each in self.partitions)

    @property
    def bytes(self) -> int:
        """Of the data files."""
        return sum(file.size for each in self.partitions for file in each.files)

    @property
    def delete_files(self) -> int:
        """Position delete files."""
        return sum(each.delete_files for each in self.partitions)

    @property
    def deleted_rows(self) -> int:
        """Rows that position deletes take out."""
        return sum(file.deleted for each in self.partitions for file in each.files)

    def small_files(self, small_bytes: int) -> int:
        """Data files that are smaller."""
        return sum(f.size < small_bytes for each in self.partitions for f in each.files)


def shape_of(table: Table, spec: TableSpec, state: TableState) -> TableShape:
    """How a table stands at the head of ``main``.

    Position delete files are read, to know which data files they are about. Files that cannot be
    read here are left out; their partitions say so.

    Args:
        table: its schema, partition specs and FileIO are used.
        spec: its declaration.
        state: the table now.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    head = state.current_snapshot()
    if head is None:
        return TableShape(spec.name, None, ())
    listed = manifests(table.io, head).values()
    deletes = sum(each.content == ManifestContent.DELETES for each in listed)
    return TableShape(
        spec.name,
        head.snapshot_id,
        partitions_of(table, spec, state, readable_files(table, head)),
        len(listed) - deletes,
        deletes,
        _foreign(state),
    )


def partitions_of(
    table: Table, spec: TableSpec, state: TableState, readable: ReadableFiles
) -> tuple[PartitionShape, ...]:
    """The partitions that these files are of; raises as :func:`shape_of`."""
    live = readable.files
    came = _Times(state)
    beside = files_by_partition(live.deletes)
    level_zero, column = level_zero_spec(table), neighbours(table, spec)
    found = []
    for (spec_id, value), files in files_by_partition(live.data).items():
        own = beside.get((spec_id, value), {})
        lost = deleted_rows(table, live, files) if own else {}
        found.append(
            PartitionShape(
                spec_id,
                table.specs()[spec_id].partition_to_path(value, table.schema()),
                all(is_level_zero(each.file, level_zero) for each in files.values()),
                tuple(
                    FileShape(
                        path,
                        each.file.file_size_in_bytes,
                        each.file.record_count,
                        lost.get(path, 0),
                        each.sequence_number,
                        _lower(column, each.file),
                    )
                    for path, each in files.items()
                ),
                len(own),
                sum(each.file.file_size_in_bytes for each in own.values()),
                max(came.of(each.sequence_number) for each in files.values()),
                readable.refusal((spec_id, value)),
            )
        )
    return tuple(found)


def deleted_rows(table: Table, live: LiveFiles, files: Mapping[str, LiveFile]) -> dict[str, int]:
    """How many rows of each of these data files position deletes take out."""
    found = deleted_positions(table.io, live, files)
    return {path: len(pa.chunked_array(parts).unique()) for path, parts in found.items()}


class _Times:
    """When a sequence number was given out, at the latest: snapshots are thinned."""

    def __init__(self, state: TableState) -> None:
        ordered: list[SnapshotEntry] = sorted(state.snapshots, key=lambda s: s.sequence_number)
        self._numbers = [each.sequence_number for each in ordered]
        self._times = [each.timestamp_ms for each in ordered]

    def of(self, sequence_number: int) -> int:
        at = bisect_left(self._numbers, sequence_number)
        return self._times[min(at, len(self._times) - 1)]


def _lower(column: NestedField | None, file: DataFile) -> Any:
    bound = None if column is None else (file.lower_bounds or {}).get(column.field_id)
    if column is None or bound is None or not isinstance(column.field_type, PrimitiveType):
        return None
    return from_bytes(column.field_type, bound)


def _foreign(state: TableState) -> int:
    built = traced(state)
    if built.snapshot_id is not None:
        return len(built.foreign)
    landed = recorded(state)
    return landed.foreign if landed.snapshot_id is not None else 0
