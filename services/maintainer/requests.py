"""What an operator asks of one table, read out of a signed command and nothing else.

Whoever can write to the broker can write requests. So a request counts for no more than the command
that it carries: jobs and arguments are derived from that, after its signature was verified, and the
table is one that it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.maintainer.quality import CHECKED
from shared.contracts.commands import CommandIssued, MaintenanceArguments
from shared.contracts.maintenance import JobName, MaintenanceRequested
from shared.runtime.errors import Refused
from shared.runtime.signed_commands import require_signed
from shared.tables.lineage import Tables, named

SERVICE = "maintainer"

JOBS: Mapping[str, tuple[JobName, ...]] = {
    "compact": ("compact",),
    "expire": ("expire",),
    "orphans": ("orphans",),
    "manifests": ("manifests",),
    "restamp": ("restamp",),
    "quality": ("quality",),
}
"""Actions of commands, and what is done to each table that they mean."""


@dataclass(frozen=True, slots=True)
class Request:
    """A verified request.

    Attributes:
        table: the table.
        jobs: what to do, in order; at least one.
        command_id: the command that asks.
        arguments: what it says beside the policy.
        issued_at: when the operator asked, by the operator's clock.
    """

    table: str
    jobs: tuple[JobName, ...]
    command_id: str
    arguments: MaintenanceArguments
    issued_at: datetime

    @property
    def identity(self) -> tuple[str, str]:
        """A command asks each table once, however often that is written to the topic."""
        return self.command_id, self.table


def ours(command: CommandIssued) -> bool:
    """Whether a command is one for maintainer."""
    return command.service == SERVICE and command.action in JOBS


def verified(event: MaintenanceRequested, operator_key: str | None, tables: Tables) -> Request:
    """What a request asks, as its command says.

    Raises:
        Refused: the command is not signed, is not maintainer's, or does not mean the table.
        pydantic.ValidationError: its arguments are out of range.
    """
    command = event.command
    require_signed(command, operator_key)
    if not ours(command):
        raise Refused(f"{command.action} of {command.service} is nothing that maintainer does")
    if event.table not in meant(command, tables):
        raise Refused(f"the command means {command.target!r}, not {event.table}")
    arguments = MaintenanceArguments.of(command)
    jobs = JOBS[command.action]
    if arguments.remove_orphans and command.action == "expire":
        jobs = (*jobs, "orphans")
    return Request(event.table, jobs, command.command_id, arguments, command.issued_at)


def meant(command: CommandIssued, tables: Tables) -> tuple[str, ...]:
    """The tables that a command means. A check of quality is of the index, declared or not.

    Raises:
        Refused: none.
    """
    if command.action == "quality":
        return (CHECKED,)
    try:
        return tuple(spec.name for spec in named(command.target, tables))
    except LookupError as error:
        raise Refused(str(error)) from error
