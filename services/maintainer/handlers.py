"""The async edge of the worker: commands and requests, and what the group assigns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from services.maintainer.agenda import Agenda
from services.maintainer.requests import Request, meant, ours, require_signed, verified
from shared.contracts.commands import CommandIssued
from shared.contracts.environment import Environment
from shared.contracts.maintenance import MaintenanceRequested
from shared.contracts.topics import COMMANDS, MAINTENANCE_REQUESTS
from shared.runtime.errors import Refused
from shared.runtime.event_queue import EventQueue
from shared.runtime.ownership import owned
from shared.runtime.progress import Partition, Progress
from shared.tables.lineage import Tables

log = structlog.stdlib.get_logger("bergline.maintainer")

CONSUMED = (COMMANDS, MAINTENANCE_REQUESTS)


class Handlers:
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
        self._tables = tables
        self._agenda = agenda
        self._progress = progress
        self._events = events
        self._environment = environment
        self._operator_key = operator_key
        self._changed = changed
        self._assigned = assigned
        self._request_partitions = request_partitions
        self._held: dict[tuple[str, str], list[tuple[Partition, int]]] = defaultdict(list)
        self._takers = {COMMANDS: self._on_command, MAINTENANCE_REQUESTS: self._on_request}
        self.joined = False

    def on_record(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        """One record, its topic by the broker's name. Never raises: what raises in a Faust stream
        ends it."""
        try:
            logical = self._environment.logical_topic(topic)
            self._progress.read((logical, partition), offset)
            self._takers[logical]((logical, partition), offset, value)
        except Refused as error:
            where = {"topic": topic, "partition": partition, "offset": offset}
            log.warning("not carried out", error=error.what, **where)
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
            MaintenanceRequested(table=spec.name, command=command, requested_at=now)
            for spec in meant(command, self._tables)
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
        waiting = {each.table for each in requests}

        def published(table: str) -> Callable[[], None]:
            def done() -> None:
                waiting.discard(table)
                if not waiting:
                    self._progress.done(partition, offset)

            return done

        for each in requests:
            self._events.tell(MAINTENANCE_REQUESTS, each, published(each.table))

    def not_ready(self) -> str | None:
        """Why the worker is not ready; ``None`` when it is."""
        return None if self.joined else "not yet a member of the consumer group"
