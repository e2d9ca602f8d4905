"""What could not be processed, kept byte for byte, and what operators did about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.event import Base64, Event

REPLAYED_FROM_ATTRIBUTE = "replayedfrom"
"""CloudEvents extension of a record whose bytes were those of a dead letter: the letter's id. The
record's row has it in ``_attributes``, and a dead letter that comes of it as its ``origin``."""

REPLAYED_FROM = f"ce_{REPLAYED_FROM_ATTRIBUTE}"
"""The same as a header."""


TOPIC_HEADER = "letter_topic"
"""Header of a dead letter: the logical topic of the record that it is about."""


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
    vendor_event_id: str | None = Field(
        default=None, description="the vendor's event id of the record, when known"
    )
    received_at: AwareDatetime | None = Field(
        default=None, description="when the delivery was accepted; null for a refused request"
    )
    origin: str | None = Field(
        default=None,
        description="dead letter that the record was a replay of, when it was one",
    )
    left_out: bool = Field(
        default=False,
        description="value, key or headers were too large to be carried; the record's row has them",
    )

    def key(self) -> str:
        """Position of the record, or the delivery id when there is none."""
        return self.event_id()

    def encode(self) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
        """As of every event; the topic is a header, too, for whoever must not see the bytes."""
        key, value, headers = super().encode()
        return key, value, [*headers, (TOPIC_HEADER, self.topic.encode())]

    def event_id(self) -> str:
        """``topic/partition/offset`` for a record, the delivery id for a refused request."""
        if self.offset is not None:
            return f"{self.topic}/{self.partition}/{self.offset}"
        return self.delivery_id or f"{self.topic}/{self.failed_at.isoformat()}"

    def event_time(self) -> AwareDatetime:
        """When the stage gave up."""
        return self.failed_at


class DeadLetterHandled(Event):
    """An operator has sent the bytes of a dead letter again, or removed dead letters.

    ``event_id`` of a replay is the delivery id under which the bytes were sent, which follows from
    dead letter and bytes, so the same replay told twice is one event. That of a purge is its own.
    """

    type: ClassVar[str] = "lakehouse.dead-letter.handled.v1"

    action: Literal["replayed", "purged"] = Field(description="what was done")
    handling_id: str = Field(description="delivery id of the replay, or the id of the purge")
    letter_id: str | None = Field(default=None, description="dead letter; null for a purge")
    delivery_id: str | None = Field(
        default=None, description="delivery id of the record that was sent; null for a purge"
    )
    topic: str | None = Field(default=None, description="logical topic of that record")
    partition: int | None = Field(default=None, description="where it stands")
    offset: int | None = Field(default=None, description="where it stands")
    edited: bool = Field(default=False, description="whether other bytes were sent")
    letters: int = Field(default=1, ge=0, description="dead letters that were handled")
    chosen_by: dict[str, str] = Field(
        default_factory=dict, description="how the dead letters of a purge were chosen"
    )
    actor: str = Field(description="who did it")
    reason: str = Field(default="", description="why, in the operator's words")
    handled_at: AwareDatetime = Field(description="when it was done")

    def key(self) -> str:
        """The dead letter, or the purge."""
        return self.letter_id or self.handling_id

    def event_id(self) -> str:
        """The replay's delivery id, or the purge's own id."""
        return self.handling_id

    def event_time(self) -> AwareDatetime:
        """When it was done."""
        return self.handled_at
