"""Partitions that are not consumed: since when, why, and what settles it.

``lakehouse.partitions`` is compacted: the last word of each partition stays. A partition that goes
to another worker keeps its state until that one tells otherwise.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.envelope import rfc3339
from shared.contracts.event import Event, TableName


class PartitionStopped(Event):
    """A partition is not consumed until what is wrong with it is settled; nothing is lost.

    Told at least once, and again when the reason becomes another one.
    """

    type: ClassVar[str] = "lakehouse.partition.stopped.v1"

    topic: str = Field(description="logical topic")
    partition: int = Field(ge=0, description="its partition")
    table: TableName = Field(description="landing table that gets no rows of it")
    reason: str = Field(
        description="a stable word: log_replaced, log_truncated, positions_lost, "
        "too_many_bad_records, corrupt_records or internal_error"
    )
    detail: str = Field(
        default="", description="what is wrong, for humans; never a record's values"
    )
    command: str = Field(
        default="", description="command that settles it, if one does without further thought"
    )
    worker: str = Field(default="", description="worker that stopped it: service and pid")
    stopped_at: AwareDatetime = Field(description="when it was stopped")

    def key(self) -> str:
        """The partition."""
        return f"{self.topic}/{self.partition}"

    def event_id(self) -> str:
        """Partition, reason and time."""
        return f"{self.key()}/{self.reason}/{rfc3339(self.stopped_at)}"

    def event_time(self) -> AwareDatetime:
        """When it was stopped."""
        return self.stopped_at


class PartitionResumed(Event):
    """A partition that was stopped is consumed again; told a while later of what is tried again by
    itself every few seconds, as it may fail again."""

    type: ClassVar[str] = "lakehouse.partition.resumed.v1"

    topic: str = Field(description="logical topic")
    partition: int = Field(ge=0, description="its partition")
    table: TableName = Field(description="landing table that its rows go to")
    worker: str = Field(default="", description="worker that consumes it: service and pid")
    resumed_at: AwareDatetime = Field(description="when it was consumed again")

    def key(self) -> str:
        """The partition."""
        return f"{self.topic}/{self.partition}"

    def event_id(self) -> str:
        """Partition and time."""
        return f"{self.key()}/resumed/{rfc3339(self.resumed_at)}"

    def event_time(self) -> AwareDatetime:
        """When it was consumed again."""
        return self.resumed_at
