"""What could not be processed, kept byte for byte."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.event import Base64, Event


class DeadLetter(Event):
    """One record or request that a stage could not process.

    ``value`` holds the original bytes (base64 in JSON). Sent at least once; ``event_id`` is the
    position of the record (or the delivery id of a request), so readers fold repetitions.
    """

    type: ClassVar[str] = "lakehouse.dead-letter.v1"

    stage: Literal["receiving", "processing", "sending"] = Field(description="where it failed")
    service: str = Field(description="service that gave up")
    reason: str = Field(description="short stable word, e.g. invalid_json")
    detail: str = Field(description="what is wrong, for humans; never payload values")
    topic: str = Field(description="logical topic the record was on or meant for")
    partition: int | None = Field(default=None, description="null for a refused request")
    offset: int | None = Field(default=None, description="null for a refused request")
    delivery_id: str | None = Field(default=None, description="UUIDv7 of the delivery, when known")
    failed_at: AwareDatetime = Field(description="when the stage gave up")
    headers: dict[str, str] = Field(
        default_factory=dict, description="headers of the record, as text"
    )
    record_key: Base64 | None = Field(default=None, description="key of the record")
    value: Base64 = Field(default=b"", description="the original bytes")

    def key(self) -> str:
        """Position of the record, or the delivery id when there is none."""
        return self.event_id()

    def event_id(self) -> str:
        """``topic/partition/offset`` for a record, the delivery id for a refused request."""
        if self.offset is not None:
            return f"{self.topic}/{self.partition}/{self.offset}"
        return self.delivery_id or f"{self.topic}/{self.failed_at.isoformat()}"

    def event_time(self) -> AwareDatetime:
        """When the stage gave up."""
        return self.failed_at
