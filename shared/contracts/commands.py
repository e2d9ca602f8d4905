"""What an operator asks a service to do, signed so that a topic writer alone cannot command."""

from __future__ import annotations

import hmac
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.event import Event


class CommandIssued(Event):
    """One operator command.

    ``signature`` is the hex HMAC-SHA256 under the operator key over every other field; services
    ignore commands whose signature does not verify. A reader signs the fields that it knows, so
    a field can only be added with a new version of the type.
    """

    type: ClassVar[str] = "lakehouse.command.issued.v1"

    command_id: str = Field(description="UUIDv7")
    service: str = Field(description="service addressed")
    action: Literal["resume_topic"] = Field(description="what to do")
    target: str = Field(description="what it acts on, e.g. a logical topic")
    actor: str = Field(description="who asked, for the audit trail")
    issued_at: AwareDatetime = Field(description="when it was asked")
    signature: str = Field(default="", description="hex HMAC-SHA256 of the other fields")

    def key(self) -> str:
        """The service addressed."""
        return self.service

    def event_id(self) -> str:
        """The command's own id: a command is carried out once per service process."""
        return self.command_id

    def event_time(self) -> AwareDatetime:
        """When it was issued."""
        return self.issued_at

    def _digest(self, key: str) -> str:
        message = self.model_dump_json(exclude={"signature"}).encode()
        return hmac.new(key.encode(), message, "sha256").hexdigest()

    def signed(self, key: str) -> CommandIssued:
        """Copy of the command with its signature."""
        return self.model_copy(update={"signature": self._digest(key)})

    def verified(self, key: str) -> bool:
        """Whether the signature is of this key, compared in constant time."""
        # As bytes: compare_digest raises for text that is not ASCII, and anybody may write that.
        return hmac.compare_digest(self._digest(key).encode(), self.signature.encode())
