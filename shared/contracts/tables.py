"""Facts about tables: a snapshot was committed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.event import Contract, Event, TableName

Offsets = dict[str, dict[int, int]]
"""Logical topic → partition → next offset to read."""


class SourcePosition(Contract):
    """Up to where a derived table has read one of its inputs."""

    uuid: str
    snapshot_id: int
    sequence_number: int


class TableCommitted(Event):
    """One snapshot of one table became the head.

    Announced at least once and in order of ``sequence_number`` per table; readers drop sequence
    numbers they have seen. The truth is the table, this is its announcement.
    """

    type: ClassVar[str] = "lakehouse.table.committed.v1"

    table: TableName
    uuid: str = Field(description="Iceberg table UUID: another value is another table")
    snapshot_id: int
    parent_snapshot_id: int | None
    sequence_number: int = Field(ge=0)
    operation: str = Field(description="Iceberg operation: append, overwrite, replace or delete")
    committed_at: AwareDatetime
    writer: str | None = Field(default=None, description="service that committed, if it was ours")
    commit_id: str | None = Field(default=None, description="bergline.commit of the snapshot")
    offsets: Offsets = Field(default_factory=dict)
    sources: dict[str, SourcePosition] = Field(default_factory=dict)
    added_rows: int = 0
    added_bytes: int = 0
    added_files: int = 0
    errors: int = Field(default=0, description="added rows that carry _error")
    total_rows: int | None = None
    total_files: int | None = None
    total_bytes: int | None = None

    def key(self) -> str:
        """The table's name."""
        return self.table

    def event_id(self) -> str:
        """Table UUID and snapshot id: the same snapshot has the same id however often sent."""
        return f"{self.uuid}/{self.snapshot_id}"

    def event_time(self) -> AwareDatetime:
        """Timestamp of the snapshot."""
        return self.committed_at
