"""From a signed command to what the agenda holds, and back to the group's offsets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.maintainer.agenda import Agenda
from services.maintainer.handlers import Handlers
from services.maintainer.pace import Pace
from services.maintainer.quality import CHECKED
from services.maintainer.requests import SERVICE, Request
from services.maintainer.tasks import Task
from services.maintainer.work import asked
from shared.contracts.commands import Action, CommandIssued, MaintenanceArguments
from shared.contracts.environment import Environment
from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceRequested
from shared.contracts.topics import COMMANDS, MAINTENANCE_REQUESTS
from shared.lake.maintenance.asked import Asked
from shared.runtime.errors import Refused
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
        self.agenda = Agenda(TABLES, Pace(), CHECKED)
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

    def held(self, event: MaintenanceRequested) -> Request:
        """What the agenda makes of a request that is delivered."""
        self.take(MAINTENANCE_REQUESTS, event)
        task = self.agenda.next(0)
        assert task is not None
        assert task.request is not None
        return task.request

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
    assert all(each.command == requests[0].command for each in requests)
    assert requests[0].command.verified(KEY)


@pytest.mark.parametrize("target", ["core", "metadata"])
def test_no_layer_is_left_out(target: str) -> None:
    desk = Desk()
    desk.take(COMMANDS, command("compact", target))
    expected = {name for name in TABLES if name.startswith(f"{target}.")}
    assert expected
    assert {each.table for each in desk.requested()} == expected


@pytest.mark.parametrize("target", [CHECKED, "all"])
def test_a_check_of_quality_is_asked_once_whatever_the_target(target: str) -> None:
    desk = Desk()
    desk.take(COMMANDS, command("quality", target))
    [event] = desk.requested()
    assert event.table == CHECKED
    assert desk.held(event).jobs == ("quality",)


def test_no_other_job_is_done_to_an_index_that_is_no_table() -> None:
    assert CHECKED not in TABLES
    desk = Desk()
    desk.take(COMMANDS, command("compact", "all"))
    desk.take(COMMANDS, command("compact", CHECKED))
    assert CHECKED not in {each.table for each in desk.requested()}
    sneaked = command("quality", CHECKED, remove_orphans=True)
    desk.take(COMMANDS, sneaked)
    assert desk.held(desk.requested()[-1]).jobs == ("quality",)


@pytest.mark.parametrize("action", ["manifests", "restamp"])
def test_manifests_and_restamp_are_asked_of_every_table_meant(action: Action) -> None:
    desk = Desk()
    desk.take(COMMANDS, command(action, "core"))
    assert {each.table for each in desk.requested()} == {t for t in TABLES if t[:5] == "core."}
    assert desk.held(desk.requested()[0]).jobs == (action,)


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
    [event] = desk.requested()
    request = desk.held(event)
    assert request.jobs == ("expire", "orphans")
    arguments = request.arguments
    assert (arguments.retention_days, arguments.retain_last) == (3.0, 5)
    assert arguments.older_than == NOON


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
    assert desk.owned[-1] == owned([*TABLES, CHECKED], {1}, 3)
    assert 0 < len(desk.owned[-1]) < len(TABLES)


def test_a_request_that_runs_through_a_rebalance_still_counts_as_read_only_when_it_ends() -> None:
    desk = Desk()
    desk.take(COMMANDS, command("compact", "core.orders"))
    event = desk.requested()[0]
    desk.take(MAINTENANCE_REQUESTS, event)
    task = desk.agenda.next(0)
    assert task is not None
    assert task.request is not None
    desk.handlers.revoked()
    assert desk.handlers.not_ready()
    desk.handlers.assigned([(DEV.topic(MAINTENANCE_REQUESTS), 0)])
    offset = desk.take(MAINTENANCE_REQUESTS, event)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset
    desk.agenda.ended(task, 1)
    desk.handlers.finished(task.request)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset + 1


ORDERS = "core.orders"


def asks(said: CommandIssued, table: str = ORDERS) -> MaintenanceRequested:
    return MaintenanceRequested(table=table, command=said, requested_at=NOON)


def out_of_range(**arguments: str) -> CommandIssued:
    """Signed, with arguments that the command line does not let through."""
    return command("expire", ORDERS).model_copy(update={"arguments": arguments}).signed(KEY)


FORGED = command("orphans", ORDERS).model_copy(
    update={"arguments": {"allow_young": "true", "older_than": "2099-01-01T00:00:00Z"}}
)


@pytest.mark.parametrize(
    "refused",
    [
        asks(FORGED),
        asks(FORGED.model_copy(update={"signature": ""})),
        asks(FORGED.signed("another key")),
        asks(command("compact", "marts")),
        asks(command("compact", ORDERS, service="transformer")),
        asks(command("compact", "nowhere"), "nowhere.at_all"),
        asks(out_of_range(retention_days="-1")),
        asks(out_of_range(retain_last="0")),
        b'{"request_id": "r", "table": "core.orders", "jobs": [], "command_id": "c", "actor": "a",'
        b' "requested_at": "2026-11-26T12:00:00Z"}',
        b'{"request_id": "r", "table": "core.orders", "jobs": ["orphans"], "allow_young": true,'
        b' "older_than": "2099-01-01T00:00:00Z", "command_id": "c", "actor": "a",'
        b' "requested_at": "2026-11-26T12:00:00Z"}',
    ],
    ids=[
        "arguments changed after signing",
        "not signed",
        "signed with another key",
        "of another table",
        "for another service",
        "no such table",
        "negative retention",
        "no snapshot left",
        "no jobs, no command",
        "no command",
    ],
)
def test_who_can_write_the_topic_of_requests_can_command_nothing(
    refused: MaintenanceRequested | bytes,
) -> None:
    desk = Desk()
    offset = desk.take(MAINTENANCE_REQUESTS, refused)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset + 1, "passed over"
    task = desk.agenda.next(0)
    assert task is not None
    assert task.job is None, "a look, as with every new table"
    assert desk.take(MAINTENANCE_REQUESTS, asks(command("compact", ORDERS)))
    task = desk.agenda.next(0)
    assert task is not None
    assert (task.table, task.job) == (ORDERS, "compact"), "others are carried out all the same"


def test_without_a_key_no_request_counts() -> None:
    desk = Desk(key=None)
    desk.take(MAINTENANCE_REQUESTS, asks(command("compact", ORDERS)))
    task = desk.agenda.next(0)
    assert task is not None
    assert task.job is None


@pytest.mark.parametrize("arguments", [{"retain_last": "0"}, {"older_than": "yesterday"}])
def test_a_signed_command_out_of_range_asks_nothing(arguments: dict[str, str]) -> None:
    desk = Desk()
    offset = desk.take(COMMANDS, out_of_range(**arguments))
    assert not desk.requested()
    assert desk.stored(COMMANDS) == offset + 1


def test_what_was_cut_short_stays_unread_for_the_next_owner() -> None:
    desk = Desk()
    offset = desk.take(MAINTENANCE_REQUESTS, asks(command("compact", ORDERS)))
    task = desk.agenda.next(0)
    assert task is not None
    desk.agenda.interrupted(task)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset


def test_a_request_whose_table_left_and_came_back_while_it_ran_stays_unread() -> None:
    desk = Desk()
    event = asks(command("compact", ORDERS))
    desk.take(MAINTENANCE_REQUESTS, event)
    task = desk.agenda.next(0)
    assert task is not None
    for partitions in ([], [(DEV.topic(MAINTENANCE_REQUESTS), 0)]):
        desk.handlers.revoked()
        desk.handlers.assigned(partitions)
    offset = desk.take(MAINTENANCE_REQUESTS, event)
    desk.agenda.ended(task, 1)
    assert desk.stored(MAINTENANCE_REQUESTS) == offset


def test_orphans_younger_than_the_command_are_refused_however_late_it_is() -> None:
    desk = Desk()
    later = command("orphans", ORDERS, older_than=NOON + timedelta(seconds=1))
    desk.take(MAINTENANCE_REQUESTS, asks(later))
    task = desk.agenda.next(0)
    assert task is not None
    with pytest.raises(Refused, match="in the future"):
        asked(task)
    now = Desk()
    now.take(MAINTENANCE_REQUESTS, asks(command("orphans", ORDERS, older_than=NOON)))
    task = now.agenda.next(0)
    assert task is not None
    assert asked(task).older_than_ms == int(NOON.timestamp() * 1000)


def test_what_comes_of_itself_carries_nothing_destructive() -> None:
    own = Task(ORDERS, "orphans", "timer")
    assert asked(own) == Asked()
    assert (asked(own).allow_young, asked(own).older_than_ms) == (False, None)
