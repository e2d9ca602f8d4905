"""How a table stands: files by partition, deleted rows, snapshots, manifests."""

from __future__ import annotations

from dataclasses import dataclass

from pyiceberg.table import Table

from shared.lake.table_state import TableState


@dataclass(frozen=True, slots=True)
class FileShape:
    """A data file. ``deleted`` are rows of it that position deletes take out."""

    path: str
    bytes: int
    rows: int
    deleted: int
    sequence_number: int
    first: bytes = b""
    """Lower bound of the first column of the declared order, as the manifest holds it."""


@dataclass(frozen=True, slots=True)
class PartitionShape:
    """The files of one partition of one partition spec.

    Attributes:
        spec_id: the partition spec.
        words: the partition as in a path, ``day=2026-01-02``; empty for none.
        level_zero: it is level 0 of the table, which folding sees to.
        files: its data files.
        delete_files, delete_bytes: position delete files beside them.
        newest_ms: when the newest of its files came, at the latest.
    """

    spec_id: int
    words: str
    level_zero: bool
    files: tuple[FileShape, ...]
    delete_files: int
    delete_bytes: int
    newest_ms: int


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table at one moment.

    Attributes:
        name: logical name.
        snapshot_id: the head, ``None`` for a table without one.
        partitions: with files.
        snapshots: retained ones.
        snapshot_times_ms: of those on ``main``, newest first, as far as they are retained.
        oldest_snapshot_ms: when the oldest retained one was committed.
        data_manifests, delete_manifests: that the head lists.
        foreign_head: snapshots of others on top of the one that says where the table stands.
    """

    name: str
    snapshot_id: int | None
    partitions: tuple[PartitionShape, ...]
    snapshots: int
    snapshot_times_ms: tuple[int, ...]
    oldest_snapshot_ms: int | None
    data_manifests: int
    delete_manifests: int
    foreign_head: int

    @property
    def files(self) -> int:
        """Data files."""
        return sum(len(each.files) for each in self.partitions)

    @property
    def bytes(self) -> int:
        """Of the data files."""
        return sum(file.bytes for each in self.partitions for file in each.files)

    @property
    def delete_files(self) -> int:
        """Position delete files."""
        return sum(each.delete_files for each in self.partitions)

    def small_files(self, small_bytes: int) -> int:
        """Data files that are smaller."""
        return sum(f.bytes < small_bytes for each in self.partitions for f in each.files)

    @property
    def deleted_rows(self) -> int:
        """Rows that position deletes take out, as far as they were counted."""
        return sum(file.deleted for each in self.partitions for file in each.files)


def shape_of(table: Table, state: TableState, name: str, sort: str | None = None) -> TableShape:
    """How a table stands at the head of ``main``.

    Args:
        table: its schema, partition specs and FileIO are used.
        state: the table now.
        name: its logical name.
        sort: the first column of its declared order.

    Raises:
        Refused: it has files that cannot be read here.
        OSError: the object store does not answer, or lacks a file.
    """
    raise NotImplementedError
