"""What all event types of the platform share: identity, version, strictness, encoding."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, ClassVar, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from shared.contracts.envelope import Envelope

TableName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]
"""Logical table name, ``namespace.table`` without the environment's prefix."""


Base64 = Annotated[
    bytes,
    PlainSerializer(lambda value: b64encode(value).decode(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes that JSON carries as base64 in the standard alphabet (RFC 4648, section 4).

Pydantic's own ``ser_json_bytes="base64"`` writes the URL-safe alphabet, which DuckDB's
``from_base64`` and most decoders refuse. Reading accepts both alphabets.
"""


class Contract(BaseModel):
    """What an event is made of: immutable, unknown fields ignored so that old readers survive."""

    model_config = ConfigDict(frozen=True, extra="ignore", val_json_bytes="base64")


class Event(Contract):
    """Base of all event types.

    A type's name ends in its version (``lakehouse.table.committed.v1``). Within a version fields
    are only added, and only with a default; anything else is a new version.
    """

    type: ClassVar[str]
    source: ClassVar[str] = "bergline"

    def key(self) -> str:
        """Record key: events of one key stay in order."""
        raise NotImplementedError

    def event_id(self) -> str:
        """Stable identity: the same fact announced twice has the same id."""
        raise NotImplementedError

    def event_time(self) -> AwareDatetime:
        """When the fact became true."""
        raise NotImplementedError

    def encode(self) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
        """Kafka record of this event: key, value, CloudEvents headers."""
        envelope = Envelope(
            id=self.event_id(),
            type=self.type,
            source=self.source,
            time=self.event_time(),
            subject=self.key(),
            content_type="application/json",
        )
        return self.key().encode(), self.model_dump_json().encode(), envelope.headers()

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Parse a record value.

        Raises:
            pydantic.ValidationError: the bytes are not this type.
        """
        return cls.model_validate_json(value)
