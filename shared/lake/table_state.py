"""What is known of a table when a commit to it is decided: head, history, references, properties.

These are the parts of Iceberg's table metadata (Iceberg spec, "Table Metadata and Snapshots") that
the commit, the thinning and the announcements look at, under their names in the JSON. A catalog's
answer is decoded straight into them; of schemas and partition specs only the ids count here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import msgspec
from msgspec.structs import force_setattr

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot
    from pyiceberg.table.statistics import PartitionStatisticsFile, StatisticsFile

MAIN = "main"
"""The branch that readers see."""

KEY_BRANCH = "bergline.branch"
"""Summary key of a snapshot that was committed to another branch than ``main``, with its name."""


class SnapshotEntry(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """One retained snapshot. ``summary`` includes the key ``operation``."""

    snapshot_id: int
    timestamp_ms: int
    manifest_list: str = ""
    sequence_number: int = 0
    parent_snapshot_id: int | None = None
    schema_id: int | None = None
    summary: dict[str, str] = {}

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """What PyIceberg's model of a snapshot says."""
        summary = snapshot.summary
        return cls(
            snapshot_id=snapshot.snapshot_id,
            timestamp_ms=snapshot.timestamp_ms,
            manifest_list=snapshot.manifest_list,
            sequence_number=snapshot.sequence_number or 0,
            parent_snapshot_id=snapshot.parent_snapshot_id,
            schema_id=snapshot.schema_id,
            summary={}
            if summary is None
            else {"operation": summary.operation.value, **summary.additional_properties},
        )


class RefEntry(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a branch or a tag names."""

    snapshot_id: int
    type: Literal["branch", "tag"]


class MetadataLogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """An earlier metadata file."""

    metadata_file: str


class StatisticsEntry(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A file with statistics of a snapshot, of its columns or of its partitions."""

    snapshot_id: int
    statistics_path: str
    file_size_in_bytes: int = 0

    @classmethod
    def of(cls, file: StatisticsFile | PartitionStatisticsFile) -> Self:
        """What PyIceberg's model of such a file says."""
        return cls(
            snapshot_id=file.snapshot_id,
            statistics_path=file.statistics_path,
            file_size_in_bytes=file.file_size_in_bytes,
        )


class SpecEntry(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A partition spec that files may be of."""

    spec_id: int


class TableFields(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", dict=True):
    """All of a :class:`TableState` but its snapshots.

    Attributes:
        table_uuid: another one under the same name is another table.
        location: where its files are.
        metadata_location: of the metadata file that says all this; it is not part of that file.
        last_sequence_number: highest one ever given out.
        current_snapshot_id: the head of ``main``, ``None`` for a table without one.
        refs: branches and tags by name.
        properties: of the table.
        format_version, current_schema_id, default_spec_id: what files are written under.
        partition_specs: all that there are.
        metadata_log: earlier metadata files, oldest first.
        statistics, partition_statistics: files that hold such.
    """

    table_uuid: str
    location: str
    metadata_location: str = ""
    last_sequence_number: int = 0
    current_snapshot_id: int | None = None
    refs: dict[str, RefEntry] = {}
    properties: dict[str, str] = {}
    format_version: int = 2
    current_schema_id: int = 0
    default_spec_id: int = 0
    partition_specs: tuple[SpecEntry, ...] = ()
    metadata_log: tuple[MetadataLogEntry, ...] = ()
    statistics: tuple[StatisticsEntry, ...] = ()
    partition_statistics: tuple[StatisticsEntry, ...] = ()

    def __post_init__(self) -> None:
        if self.current_snapshot_id == -1:  # how some catalogs write "none"
            force_setattr(self, "current_snapshot_id", None)


class TableState(TableFields, frozen=True, kw_only=True, rename="kebab"):
    """A table at one moment. ``snapshots`` are those retained, in the catalog's order."""

    snapshots: tuple[SnapshotEntry, ...] = ()

    @cached_property
    def by_id(self) -> dict[int, SnapshotEntry]:
        """The retained snapshots by their ids."""
        return {snapshot.snapshot_id: snapshot for snapshot in self.snapshots}

    def snapshot_by_id(self, snapshot_id: int) -> SnapshotEntry | None:
        """The retained snapshot of that id, if there is one."""
        return self.by_id.get(snapshot_id)

    def current_snapshot(self) -> SnapshotEntry | None:
        """The head of ``main``, ``None`` for a table without one."""
        return self.head()

    def head_id(self, ref: str = MAIN) -> int | None:
        """The id of the snapshot at the head of a branch; ``None`` for a branch without one."""
        if ref == MAIN:
            return self.current_snapshot_id
        found = self.refs.get(ref)
        return None if found is None else found.snapshot_id

    def head(self, ref: str = MAIN) -> SnapshotEntry | None:
        """The snapshot at the head of a branch; ``None`` for a branch without one."""
        head = self.head_id(ref)
        return None if head is None else self.by_id.get(head)

    @classmethod
    def of(cls, metadata: TableMetadata, metadata_location: str = "") -> Self:
        """The state that PyIceberg's model of the metadata describes."""
        return cls(
            table_uuid=str(metadata.table_uuid),
            location=metadata.location,
            metadata_location=metadata_location,
            last_sequence_number=getattr(metadata, "last_sequence_number", 0),
            current_snapshot_id=metadata.current_snapshot_id,
            snapshots=tuple(SnapshotEntry.of(each) for each in metadata.snapshots),
            refs={
                name: RefEntry(snapshot_id=ref.snapshot_id, type=ref.snapshot_ref_type.value)
                for name, ref in metadata.refs.items()
            },
            properties=dict(metadata.properties),
            format_version=metadata.format_version,
            current_schema_id=metadata.current_schema_id,
            default_spec_id=metadata.default_spec_id,
            partition_specs=tuple(
                SpecEntry(spec_id=each.spec_id) for each in metadata.partition_specs
            ),
            metadata_log=tuple(
                MetadataLogEntry(metadata_file=each.metadata_file) for each in metadata.metadata_log
            ),
            statistics=tuple(StatisticsEntry.of(each) for each in metadata.statistics),
            partition_statistics=tuple(
                StatisticsEntry.of(each) for each in metadata.partition_statistics
            ),
        )
