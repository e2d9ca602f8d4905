"""From a signed command to what the agenda holds, and back to the group's offsets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.maintainer.agenda import Agenda
from services.maintainer.handlers import SERVICE, Handlers
from services.maintainer.pace import Pace
from shared.contracts.commands import Action, CommandIssued, MaintenanceArguments
from shared.contracts.environment import Environment
from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceRequested
from shared.contracts.topics import COMMANDS, MAINTENANCE_REQUESTS
from shared.runtime.event_queue import EventQueue
from shared.runtime.ownership import owned
from shared.runtime.progress import Progress
from shared.tables.registry import TABLES

DEV = Environment("dev")
KEY = "operator-key"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Sent(EventQueue):
    """Published at once."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.acknowledgements: list[Callable[[], None]] = []

    def tell(
        self, topic: str, event: Event, acknowledged: Callable[[], None] | None = None
    ) -> None:
        assert topic == MAINTENANCE_REQUESTS
        self.events.append(event)
        if acknowledged is not None:
            self.acknowledgements.append(acknowledged)


class Desk:
    """Handlers of a worker that has every table unless it is told otherwise."""

    def __init__(self, key: str | None = KEY) -> None:
        self.agenda = Agenda(TABLES, Pace())
        self.progress = Progress()
        self.sent = Sent()
        self.partitions = 1
        self.owned: list[frozenset[str]] = []
        self.handlers = Handlers(
            TABLES,
            self.agenda,
            self.progress,
            self.sent,
            DEV,
            key,
            lambda: None,
            self.owned.append,
            lambda: self.partitions,
        )
        self._offset = 0
        self.handlers.assigned([(DEV.topic(MAINTENANCE_REQUESTS), 0)])

    def take(self, topic: str, event: Event | bytes) -> int:
        value = event if isinstance(event, bytes) else event.encode()[1]
        self._offset += 1
        self.handlers.on_record(DEV.topic(topic), 0, self._offset, value)
        return self._offset

    def requested(self) -> list[MaintenanceRequested]:
        return [event for event in self.sent.events if isinstance(event, MaintenanceRequested)]

    def stored(self, topic: str) -> int | None:
        return self.progress.offsets().get((topic, 0))


def command(
    action: Action = "compact", target: str = "marts", service: str = SERVICE, **arguments: object
) -> CommandIssued:
    return CommandIssued(
        command_id="01a20ce5-dffc-7e91-8f42-b5a7c60d1e39",
        service=service,
        action=action,
        target=target,
        arguments=MaintenanceArguments.model_validate(arguments).to_arguments(),
        actor="ada@example.com",
        issued_at=NOON,
    ).signed(KEY)


def test_a_command_becomes_a_request_for_each_table_that_it_means() -> None:
    desk = Desk()
    desk.take(COMMANDS, command("compact", "all", reason="before the sale"))
    requests = desk.requested()
    assert {each.table for each in requests} == set(TABLES)
    assert {(each.jobs, each.reason, each.actor) for each in requests} == {
        (("compact",), "before the sale", "ada@example.com")
    }
    assert {each.command_id for each in requests} == {command().command_id}


@pytest.mark.parametrize("target", ["core", "metadata"])
def test_no_layer_is_left_out(target: str) -> None:
    desk = Desk()
    desk.take(COMMANDS, command("compact", target))
    expected = {name for name in TABLES if name.startswith(f"{target}.")}
    assert expected
    assert {each.table for each in desk.requested()} == expected


def test_arguments_travel_with_the_request_and_orphans_come_behind_expiry() -> None:
    desk = Desk()
    desk.take(
        COMMANDS,
        command(
            "expire",
            "core.orders",
            retention_days=3,
            retain_last=5,
            remove_orphans=True,
            older_than=NOON,
        ),
    )
    [request] = desk.requested()
    assert request.jobs == ("expire", "orphans")
    assert (request.retention_days, request.retain_last) == (3.0, 5)
    assert request.older_than == NOON


@pytest.mark.parametrize(
    "ignored",
    [
        command(service="stream_writer"),
        command().model_copy(update={"signature": "0" * 64}),
        command(target="nowhere"),
        b"{}",
    ],
    ids=["another service's", "wrong signature", "no such table", "not readable"],
)
def test_what_is_no_command_for_us_is_passed_over(ignored: CommandIssued | bytes) -> None:
    desk = Desk()
    offset = desk.take(COMMANDS, ignored)
    assert not desk.requested()
    assert desk.stored(COMMANDS) == offset + 1


def test_without_a_key_no_command_counts() -> None:
    desk = Desk(key=None)
    desk.take(COMMANDS, command())
    assert not desk.requested()


def test_a_command_counts_as_read_once_the_broker_has_all_its_requests() -> None:
    desk = Desk()
    offset = desk.take(COMMANDS, command("compact", "core"))
    *others, last = desk.sent.acknowledgements
    for acknowledge in others:
        acknowledge()
    assert desk.stored(COMMANDS) == offset
    last()
    assert desk.stored(COMMANDS) == offset + 1


def test_a_request_counts_as_read_once_it_has_ended() -> None:
    desk = Desk()
    desk.take(COMMANDS, command("compact", "core.orders"))
    offset = desk.take(MAINTENANCE_REQUESTS, desk.requested()[0])
    assert desk.stored(MAINTENANCE_REQUESTS) == offset
    task = desk.agenda.next(0)
    assert task is not None
    assert task.request is not None
    assert desk.agenda.ended(task, 1).finished is task.request
    desk.handlers.finished(task.request)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset + 1


def test_tables_are_of_who_has_the_partition_of_their_requests() -> None:
    desk = Desk()
    desk.partitions = 3
    desk.handlers.assigned([(DEV.topic(MAINTENANCE_REQUESTS), 1), (DEV.topic(COMMANDS), 0)])
    assert desk.owned[-1] == owned(TABLES, {1}, 3)
    assert 0 < len(desk.owned[-1]) < len(TABLES)


def test_a_request_that_runs_through_a_rebalance_still_counts_as_read_only_when_it_ends() -> None:
    desk = Desk()
    desk.take(COMMANDS, command("compact", "core.orders"))
    request = desk.requested()[0]
    desk.take(MAINTENANCE_REQUESTS, request)
    task = desk.agenda.next(0)
    assert task is not None
    desk.handlers.revoked()
    assert desk.handlers.not_ready()
    desk.handlers.assigned([(DEV.topic(MAINTENANCE_REQUESTS), 0)])
    offset = desk.take(MAINTENANCE_REQUESTS, request)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset
    desk.agenda.ended(task, 1)
    desk.handlers.finished(request)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset + 1
