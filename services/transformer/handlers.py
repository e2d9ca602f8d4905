"""The async edge of the worker: records of three topics, and what the group assigns."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime

import structlog

from services.transformer.planning.planner import Planner
from services.transformer.planning.wishes import Wish
from shared.contracts.builds import BuildRequested, Trigger
from shared.contracts.commands import CommandIssued, RefreshArguments
from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import BUILD_REQUESTS, COMMANDS, COMMITS
from shared.runtime.event_queue import EventQueue
from shared.runtime.group_member import GroupMember
from shared.runtime.open_waves import Waves
from shared.runtime.progress import Partition, Progress
from shared.runtime.seen_commits import SeenCommits
from shared.tables.lineage import Tables, readers, selected, selected_by_day

log = structlog.stdlib.get_logger("bergline.transformer")

SERVICE = "transformer"
CONSUMED = (COMMITS, BUILD_REQUESTS, COMMANDS)


class Handlers(GroupMember):
    """Turns commits and commands into build requests, and requests into wishes of the planner.

    Args:
        tables: all tables.
        planner: told of requests.
        waves: told of commits; names requests.
        progress: told what was read.
        events: publishes requests.
        environment: naming.
        operator_key: that commands must be signed with.
        changed: called when the planner was told something.
        assigned: called with the targets that are this worker's from now on.
        request_partitions: how many partitions the topic of build requests has.
    """

    def __init__(
        self,
        tables: Tables,
        planner: Planner,
        waves: Waves,
        progress: Progress,
        events: EventQueue,
        environment: Environment,
        operator_key: str | None,
        changed: Callable[[], None],
        assigned: Callable[[frozenset[str]], None],
        request_partitions: Callable[[], int],
    ) -> None:
        takers = {
            COMMITS: self._on_commit,
            BUILD_REQUESTS: self._on_request,
            COMMANDS: self._on_command,
        }
        super().__init__(environment, progress, log, takers, BUILD_REQUESTS, request_partitions)
        self._tables = tables
        self._planner = planner
        self._waves = waves
        self._events = events
        self._operator_key = operator_key
        self._changed = changed
        self._assigned = assigned
        self._seen = SeenCommits()
        self._refreshes: dict[str, list[tuple[Partition, int]]] = defaultdict(list)
        self._epoch = time.monotonic() - time.time()

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave these (topic by the broker's name, partition) to this worker."""
        self.joined = True
        self._planner.own(self._dealt(self._planner.targets, partitions))
        self._assigned(self._planner.owned)

    def revoked(self) -> None:
        """The group rebalances: nothing is ours until it has ended."""
        self.joined = False
        self._planner.own(())
        self._progress.forget()
        self._refreshes.clear()
        self._assigned(frozenset())

    def ended(self, target: str) -> None:
        """A build of the target has ended for now."""
        if not self._planner.refresh_wanted(target):
            for partition, offset in self._refreshes.pop(target, ()):
                self._progress.done(partition, offset)

    def _on_commit(self, _: Partition, __: int, value: bytes) -> None:
        event = TableCommitted.decode(value)
        self._waves.committed(event)
        if not self._seen.first_time(event) or event.only_moved:
            return
        for reader in readers(event.table, self._tables):
            wish = self._wish(event, reader)
            self._events.tell(
                BUILD_REQUESTS,
                BuildRequested(
                    request_id=uuid7(),
                    target=reader,
                    cause="commit",
                    reason=wish.reason,
                    trigger=Trigger(
                        table=event.table,
                        snapshot_id=event.snapshot_id,
                        sequence_number=event.sequence_number,
                    ),
                    wave=wish.wave,
                    begun_at=self._waves.begun(event),
                    requested_at=datetime.now(UTC),
                ),
            )
            self._planner.want(reader, wish)  # the request would say the same, two trips later
        self._changed()

    def announced(self, event: TableCommitted) -> None:
        """A commit that this worker has announced: its own targets need not wait to read of it."""
        self._waves.committed(event)
        if not event.only_moved:
            for reader in readers(event.table, self._tables):
                self._planner.want(reader, self._wish(event, reader))
            self._changed()

    def _wish(self, event: TableCommitted, reader: str) -> Wish:
        wave = self._waves.oldest_for(reader)
        now = time.monotonic()
        return Wish(
            cause="commit",
            reason=f"{event.table} was committed to",
            wave=f"{event.table}/{event.sequence_number}" if wave is None else wave.id,
            since=now,
            triggers=frozenset((event.table,)),
            asked=frozenset(((event.table, event.snapshot_id),)),
            begun=self._monotonic(self._waves.begun(event)),
        )

    def _on_request(self, partition: Partition, offset: int, value: bytes) -> None:
        request = BuildRequested.decode(value)
        if request.target not in self._planner.owned:
            return  # its owner compares it with its inputs anyway
        trigger, now, days = request.trigger, time.monotonic(), request.days
        asked = None if trigger is None else frozenset(((trigger.table, trigger.snapshot_id),))
        wish = Wish(
            cause=request.cause,
            reason=request.reason,
            wave=request.wave,
            since=now,
            triggers=frozenset(() if trigger is None else (trigger.table,)),
            asked=asked if days is None else asked or frozenset(),
            begun=None if request.begun_at is None else self._monotonic(request.begun_at),
            days=None if request.full else days,
        )
        if request.full or days is not None:
            self._progress.read(partition, offset, hold=True)
            self._refreshes[request.target].append((partition, offset))
        if request.full:
            self._planner.want_rebuild(request.target, wish)
        else:
            self._planner.want(request.target, wish)
        self._changed()

    def _on_command(self, partition: Partition, offset: int, value: bytes) -> None:
        command = CommandIssued.decode(value)
        if command.service != SERVICE or command.action != "refresh":
            return
        if self._operator_key is None or not command.verified(self._operator_key):
            log.warning("command with a wrong signature ignored", offset=offset)
            return
        arguments = RefreshArguments.of(command)
        days = arguments.days
        try:
            select = selected if days is None else selected_by_day
            targets = select(command.target, self._tables)
        except LookupError as error:
            log.warning("command ignored", target=command.target, error=str(error))
            return
        self._progress.read(partition, offset, hold=True)
        log.info(
            "command carried out", action="refresh", target=command.target, actor=command.actor
        )
        now = datetime.now(UTC)
        requests = [
            BuildRequested(
                request_id=uuid7(),
                target=spec.name,
                cause="refresh",
                reason=arguments.reason or "an operator asked for it",
                wave=f"refresh/{command.command_id}",
                full=days is None,
                first_day=arguments.first_day,
                last_day=arguments.last_day,
                actor=command.actor,
                requested_at=now,
            )
            for spec in targets
        ]
        self._events.tell_all(
            BUILD_REQUESTS, requests, lambda: self._progress.done(partition, offset)
        )

    def _monotonic(self, moment: datetime) -> float:
        """The same moment always gives the same; none is ahead, though another clock may be."""
        return min(time.monotonic(), self._epoch + moment.timestamp())
