"""The spool of an ingest instance: what it accepted while the broker did not take it.

Told on the broker that was away, so both events of an outage come at its end, in order.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.envelope import rfc3339
from shared.contracts.event import Event


class SpoolChanged(Event):
    """An ingest instance began to spool, or the broker has all that it had spooled.

    At least once: an instance that is killed tells again of what it found.
    """

    type: ClassVar[str] = "lakehouse.spool.changed.v1"

    instance: str = Field(description="host and directory of the instance")
    change: Literal["began", "ended"] = Field(
        description="began: records are kept on disk; ended: the broker has all of them"
    )
    reason: str = Field(description="why it began")
    began_at: AwareDatetime = Field(description="when it began")
    changed_at: AwareDatetime = Field(description="when this change was")
    records: int = Field(default=0, ge=0, description="records that were spooled meanwhile")
    replayed: int = Field(default=0, ge=0, description="records that were sent from the spool")
    refused: int = Field(
        default=0, ge=0, description="deliveries answered 503: no room, or the disk failed"
    )
    peak_bytes: int = Field(default=0, ge=0, description="most bytes that it took on disk")
    seconds: float = Field(default=0.0, ge=0, description="from the beginning to this change")

    def key(self) -> str:
        """The instance."""
        return self.instance

    def event_id(self) -> str:
        """Instance, beginning and change."""
        return f"{self.instance}/{rfc3339(self.began_at)}/{self.change}"

    def event_time(self) -> AwareDatetime:
        """When the change was."""
        return self.changed_at
