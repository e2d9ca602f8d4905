"""What an operator asks a service to do, signed so that a topic writer alone cannot command."""

from __future__ import annotations

import hmac
from datetime import date
from typing import ClassVar, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from shared.contracts.days import Days
from shared.contracts.event import Contract, Event

Action = Literal[
    "resume_topic",
    "refresh",
    "compact",
    "expire",
    "orphans",
    "manifests",
    "restamp",
    "quality",
    "silence",
    "unsilence",
    "acknowledge",
]
"""``resume_topic``: stream_writer goes on with a topic that it stopped. ``refresh``: transformer
builds the targets anew from their inputs; its arguments are :class:`RefreshArguments`.
``silence``, ``unsilence``, ``acknowledge``: alerter notifies nobody of the alerts that match, ends
the silence that is the target, takes the alert whose fingerprint is the target for being worked on;
their arguments are :class:`SilenceArguments` and :class:`AcknowledgeArguments`. The others:
maintainer runs this job on the targets, whether or not it thinks it due; their arguments are
:class:`MaintenanceArguments`."""


class CommandIssued(Event):
    """One operator command.

    ``signature`` is the hex HMAC-SHA256 under the operator key over every other field; services
    ignore commands whose signature does not verify. A reader signs the fields that it knows, so
    a field can only be added with a new version of the type; what an action needs beyond its
    target goes into ``arguments``. Empty arguments are not signed: commands from before there were
    any verify still, and a reader from that time refuses a command that has some, which it could
    not carry out as asked.
    """

    type: ClassVar[str] = "lakehouse.command.issued.v1"

    command_id: str = Field(description="UUIDv7")
    service: str = Field(description="service addressed")
    action: Action = Field(description="what to do")
    target: str = Field(description="what it acts on, e.g. a logical topic, a table or a layer")
    arguments: dict[str, str] = Field(
        default_factory=dict, description="what the action needs beyond its target, by name"
    )
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
        unsigned = {"signature"} if self.arguments else {"signature", "arguments"}
        # By name: the signature must not depend on how JSON is ordered.
        ordered = self.model_copy(update={"arguments": dict(sorted(self.arguments.items()))})
        message = ordered.model_dump_json(exclude=unsigned).encode()
        return hmac.new(key.encode(), message, "sha256").hexdigest()

    def signed(self, key: str) -> CommandIssued:
        """Copy of the command with its signature."""
        return self.model_copy(update={"signature": self._digest(key)})

    def verified(self, key: str) -> bool:
        """Whether the signature is of this key, compared in constant time."""
        # As bytes: compare_digest raises for text that is not ASCII, and anybody may write that.
        return hmac.compare_digest(self._digest(key).encode(), self.signature.encode())


class RefreshArguments(Contract):
    """Arguments of the action ``refresh``; the command's target is a table, a layer or ``all``.

    Attributes:
        reason: why, in the operator's words.
        first_day, last_day: the days whose rows are computed anew, both included, of the tables
            whose rows can be told by their day. One alone leaves the other end open; neither: the
            tables are built anew in full.
    """

    reason: str = ""
    first_day: date | None = None
    last_day: date | None = None

    @model_validator(mode="after")
    def _some_day(self) -> Self:
        _ = self.days
        return self

    @property
    def days(self) -> Days | None:
        """The days; ``None`` when it is all of the tables."""
        return Days.between(self.first_day, self.last_day)

    @classmethod
    def of(cls, command: CommandIssued) -> Self:
        """The arguments that a command carries; unknown ones are ignored.

        Raises:
            pydantic.ValidationError: they are no days, or none lies between them.
        """
        return cls.model_validate(command.arguments)

    def to_arguments(self) -> dict[str, str]:
        """For :attr:`CommandIssued.arguments`; what is not set is left out."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value}


class MaintenanceArguments(Contract):
    """Arguments of maintainer's actions; the command's target is a table, a layer or ``all``.

    What is not set is as the table's properties and the maintainer's settings say.

    Attributes:
        reason: why, in the operator's words.
        retention_days, retain_last: of ``expire``: which snapshots are too old, and how many of the
            newest stay whatever their age.
        remove_orphans: of ``expire``: look for orphans, too, of each table whose snapshots it has
            looked at.
        older_than: of ``orphans``, and of ``expire`` with ``remove_orphans``: younger files stay.
        allow_young: of these: files younger than a day may go, too, as nothing writes.
    """

    reason: str = ""
    retention_days: float | None = Field(default=None, ge=0)
    retain_last: int | None = Field(default=None, ge=1)
    remove_orphans: bool = False
    older_than: AwareDatetime | None = None
    allow_young: bool = False

    @classmethod
    def of(cls, command: CommandIssued) -> Self:
        """The arguments that a command carries; unknown ones are ignored.

        Raises:
            pydantic.ValidationError: they are no such values.
        """
        return cls.model_validate(command.arguments)

    def to_arguments(self) -> dict[str, str]:
        """For :attr:`CommandIssued.arguments`; what is not set is left out."""
        given = self.model_dump(mode="json", exclude_defaults=True)
        return {name: "true" if value is True else str(value) for name, value in given.items()}


class SilenceArguments(Contract):
    """Arguments of the action ``silence``; the command's target is the id of the silence.

    Attributes:
        matchers: one a line, as Alertmanager writes them: ``severity=critical``,
            ``table=~"raw\\..*"``; all of them must match.
        ends_at: until when.
        comment: why, in the operator's words.
    """

    matchers: str
    ends_at: AwareDatetime
    comment: str = ""

    @classmethod
    def of(cls, command: CommandIssued) -> Self:
        """The arguments that a command carries; unknown ones are ignored.

        Raises:
            pydantic.ValidationError: they are no such values.
        """
        return cls.model_validate(command.arguments)

    def to_arguments(self) -> dict[str, str]:
        """For :attr:`CommandIssued.arguments`."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value}


class AcknowledgeArguments(Contract):
    """Arguments of the action ``acknowledge``; the command's target is the alert's fingerprint.

    Attributes:
        comment: in the operator's words.
    """

    comment: str = ""

    @classmethod
    def of(cls, command: CommandIssued) -> Self:
        """The arguments that a command carries; unknown ones are ignored."""
        return cls.model_validate(command.arguments)

    def to_arguments(self) -> dict[str, str]:
        """For :attr:`CommandIssued.arguments`; what is not set is left out."""
        return {"comment": self.comment} if self.comment else {}
