"""The async edge of the worker: commands and requests, and what the group assigns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from services.maintainer.agenda import Agenda
from shared.contracts.commands import CommandIssued, MaintenanceArguments
from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.contracts.maintenance import JobName, MaintenanceRequested
from shared.contracts.topics import COMMANDS, MAINTENANCE_REQUESTS
from shared.runtime.event_queue import EventQueue
from shared.runtime.ownership import owned
from shared.runtime.progress import Partition, Progress
from shared.tables.lineage import Tables, named

log = structlog.stdlib.get_logger("bergline.maintainer")

SERVICE = "maintainer"
CONSUMED = (COMMANDS, MAINTENANCE_REQUESTS)

JOBS: Mapping[str, tuple[JobName, ...]] = {
    "compact": ("compact",),
    "expire": ("expire",),
    "orphans": ("orphans",),
    "manifests": ("manifests",),
    "restamp": ("restamp",),
}
"""Actions of commands, and what is done to each table that they mean."""


class Handlers:
    """Turns commands into requests, one for each table, and requests into what the agenda holds.

    Args:
        tables: all tables.
        agenda: told of requests.
        progress: told what was read.
        events: publishes requests.
        environment: naming.
        operator_key: that commands must be signed with.
        changed: called when the agenda was told something.
        assigned: called with the tables that are this worker's from now on.
        request_partitions: how many partitions the topic of requests has.
    """

    def __init__(
        self,
        tables: Tables,
        agenda: Agenda,
        progress: Progress,
        events: EventQueue,
        environment: Environment,
        operator_key: str | None,
        changed: Callable[[], None],
        assigned: Callable[[frozenset[str]], None],
        request_partitions: Callable[[], int],
    ) -> None:
        self._tables = tables
        self._agenda = agenda
        self._progress = progress
        self._events = events
        self._environment = environment
        self._operator_key = operator_key
        self._changed = changed
        self._assigned = assigned
        self._request_partitions = request_partitions
        self._held: dict[str, tuple[Partition, int]] = {}
        self._takers = {COMMANDS: self._on_command, MAINTENANCE_REQUESTS: self._on_request}
        self.joined = False

    def on_record(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        """One record, its topic by the broker's name. Never raises: what raises in a Faust stream
        ends it."""
        try:
            logical = self._environment.logical_topic(topic)
            self._progress.read((logical, partition), offset)
            self._takers[logical]((logical, partition), offset, value)
        except ValidationError:
            log.warning("record not readable", topic=topic, partition=partition, offset=offset)
        except Exception:
            log.exception("record passed over", topic=topic, partition=partition, offset=offset)

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave these (topic by the broker's name, partition) to this worker."""
        self.joined = True
        requests = self._environment.topic(MAINTENANCE_REQUESTS)
        mine = {number for topic, number in partitions if topic == requests}
        self._agenda.own(owned(self._agenda.tables, mine, self._request_partitions()))
        self._assigned(self._agenda.owned)

    def revoked(self) -> None:
        """The group rebalances: nothing new is begun until it has ended."""
        self.joined = False
        self._progress.forget()
        self._held.clear()
        self._agenda.forget_requests()

    def finished(self, request: MaintenanceRequested) -> None:
        """A request has ended, well or not."""
        if (held := self._held.pop(request.request_id, None)) is not None:
            self._progress.done(*held)

    def _on_request(self, partition: Partition, offset: int, value: bytes) -> None:
        request = MaintenanceRequested.decode(value)
        if self._agenda.requested(request) or self._agenda.holds(request):
            self._held[request.request_id] = (partition, offset)
            self._progress.read(partition, offset, hold=True)
            self._changed()

    def _on_command(self, partition: Partition, offset: int, value: bytes) -> None:
        command = CommandIssued.decode(value)
        if command.service != SERVICE or command.action not in JOBS:
            return
        if self._operator_key is None or not command.verified(self._operator_key):
            log.warning("command with a wrong signature ignored", offset=offset)
            return
        arguments = MaintenanceArguments.of(command)
        try:
            tables = named(command.target, self._tables)
        except LookupError as error:
            log.warning("command ignored", target=command.target, error=str(error))
            return
        self._progress.read(partition, offset, hold=True)
        log.info(
            "command carried out",
            action=command.action,
            target=command.target,
            actor=command.actor,
        )
        waiting = {spec.name for spec in tables}

        def published(table: str) -> Callable[[], None]:
            def done() -> None:
                waiting.discard(table)
                if not waiting:
                    self._progress.done(partition, offset)

            return done

        for spec in tables:
            request = requested(command, arguments, spec.name)
            self._events.tell(MAINTENANCE_REQUESTS, request, published(spec.name))

    def not_ready(self) -> str | None:
        """Why the worker is not ready; ``None`` when it is."""
        return None if self.joined else "not yet a member of the consumer group"


def requested(
    command: CommandIssued, arguments: MaintenanceArguments, table: str
) -> MaintenanceRequested:
    """What a command asks of one table."""
    jobs = JOBS[command.action]
    if arguments.remove_orphans and "orphans" not in jobs:
        jobs = (*jobs, "orphans")
    return MaintenanceRequested(
        request_id=uuid7(),
        table=table,
        jobs=jobs,
        command_id=command.command_id,
        actor=command.actor,
        reason=arguments.reason,
        retention_days=arguments.retention_days,
        retain_last=arguments.retain_last,
        older_than=arguments.older_than,
        allow_young=arguments.allow_young,
        requested_at=datetime.now(UTC),
    )
