"""Facts about tables: a snapshot was committed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.event import Contract, Event, TableName

Offsets = dict[str, dict[int, int]]
"""Logical topic → partition → next offset to read."""


class SourcePosition(Contract):
    """Up to where a derived table has read one of its inputs."""

    uuid: str = Field(description="Iceberg table UUID of the input")
    snapshot_id: int = Field(description="newest snapshot that was read")
    sequence_number: int = Field(description="sequence number of that snapshot")


class TableCommitted(Event):
    """One snapshot of one table became the head.

    Announced at least once and in order of ``sequence_number`` per table; readers drop sequence
    numbers they have seen. The truth is the table, this is its announcement.
    """

    type: ClassVar[str] = "lakehouse.table.committed.v1"

    table: TableName = Field(description="logical name, namespace.table")
    uuid: str = Field(description="Iceberg table UUID: another value is another table")
    snapshot_id: int = Field(description="the new head; 64 bits, more than a double holds")
    parent_snapshot_id: int | None = Field(description="the head before; null for the first one")
    sequence_number: int = Field(ge=0, description="Iceberg sequence number, rises per table")
    operation: str = Field(description="Iceberg operation: append, overwrite, replace or delete")
    committed_at: AwareDatetime = Field(description="timestamp of the snapshot")
    writer: str | None = Field(default=None, description="service that committed, if it was ours")
    commit_id: str | None = Field(default=None, description="bergline.commit of the snapshot")
    offsets: Offsets = Field(
        default_factory=dict,
        description="logical topic to partition to next offset to read, for landing tables",
    )
    sources: dict[str, SourcePosition] = Field(
        default_factory=dict,
        description="logical table to what was read of it, for derived tables",
    )
    complete: Offsets = Field(
        default_factory=dict,
        description="for derived tables: logical topic to partition to the offset up to which "
        "every record has reached this table, through all that it is derived from",
    )
    added_rows: int = Field(default=0, description="rows in the files added")
    added_bytes: int = Field(default=0, description="size of the files added")
    added_files: int = Field(default=0, description="data files added")
    errors: int = Field(default=0, description="added rows that carry _error")
    total_rows: int | None = Field(default=None, description="rows of the table, when known")
    total_files: int | None = Field(default=None, description="its data files, when known")
    total_bytes: int | None = Field(default=None, description="their size, when known")
    snapshots: int | None = Field(
        default=None, ge=0, description="snapshots of the table when this was announced"
    )
    oldest_received_at: AwareDatetime | None = Field(
        default=None,
        description="for landing tables: when the oldest of the added deliveries was accepted; "
        "null where that says nothing, as of files with events",
    )

    def key(self) -> str:
        """The table's name."""
        return self.table

    @property
    def only_moved(self) -> bool:
        """Whether rows were moved and none was changed (Iceberg spec, "Snapshots")."""
        return self.operation == "replace"

    def event_id(self) -> str:
        """Table UUID and snapshot id: the same snapshot has the same id however often sent."""
        return f"{self.uuid}/{self.snapshot_id}"

    def event_time(self) -> AwareDatetime:
        """Timestamp of the snapshot."""
        return self.committed_at
