"""The async edge of the worker: commands and requests, and what the group assigns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime

import structlog

from services.maintainer.agenda import Agenda
from services.maintainer.requests import Request, meant, ours, verified
from shared.contracts.commands import CommandIssued
from shared.contracts.environment import Environment
from shared.contracts.maintenance import MaintenanceRequested
from shared.contracts.topics import COMMANDS, MAINTENANCE_REQUESTS
from shared.runtime.event_queue import EventQueue
from shared.runtime.group_member import GroupMember
from shared.runtime.progress import Partition, Progress
from shared.runtime.signed_commands import require_signed
from shared.tables.lineage import Tables

log = structlog.stdlib.get_logger("bergline.maintainer")

CONSUMED = (COMMANDS, MAINTENANCE_REQUESTS)


class Handlers(GroupMember):
    """Turns commands into requests, one for each table, and requests into what the agenda holds.

    Args:
        tables: all tables.
        agenda: told of requests.
        progress: told what was read.
        events: publishes requests.
        environment: naming.
        operator_key: that commands must be signed with, those that requests carry, too.
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
        takers = {COMMANDS: self._on_command, MAINTENANCE_REQUESTS: self._on_request}
        requests = MAINTENANCE_REQUESTS
        super().__init__(environment, progress, log, takers, requests, request_partitions)
        self._tables = tables
        self._agenda = agenda
        self._events = events
        self._operator_key = operator_key
        self._changed = changed
        self._assigned = assigned
        self._held: dict[tuple[str, str], list[tuple[Partition, int]]] = defaultdict(list)

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave these (topic by the broker's name, partition) to this worker."""
        self.joined = True
        self._agenda.own(self._dealt(self._agenda.tables, partitions))
        self._assigned(self._agenda.owned)

    def revoked(self) -> None:
        """The group rebalances: nothing new is begun until it has ended."""
        self.joined = False
        self._progress.forget()
        self._held.clear()
        self._agenda.forget_requests()

    def finished(self, request: Request) -> None:
        """A request has ended, well or not."""
        for held in self._held.pop(request.identity, ()):
            self._progress.done(*held)

    def _on_request(self, partition: Partition, offset: int, value: bytes) -> None:
        event = MaintenanceRequested.decode(value)
        request = verified(event, self._operator_key, self._tables)
        if self._agenda.requested(request) or self._agenda.holds(request):
            self._held[request.identity].append((partition, offset))
            self._progress.read(partition, offset, hold=True)
            self._changed()

    def _on_command(self, partition: Partition, offset: int, value: bytes) -> None:
        command = CommandIssued.decode(value)
        if not ours(command):
            return
        now = datetime.now(UTC)
        require_signed(command, self._operator_key)
        requests = [
            MaintenanceRequested(table=table, command=command, requested_at=now)
            for table in meant(command, self._tables)
        ]
        for each in requests:  # what would be refused is not asked
            verified(each, self._operator_key, self._tables)
        self._progress.read(partition, offset, hold=True)
        log.info(
            "command carried out",
            action=command.action,
            target=command.target,
            actor=command.actor,
        )
        self._events.tell_all(
            MAINTENANCE_REQUESTS, requests, lambda: self._progress.done(partition, offset)
        )
