"""What commits, requests and commands lead to; nothing that arrives ends the reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.transformer.handlers import Handlers
from services.transformer.planning.planner import Planner
from services.transformer.planning.wishes import Patience
from services.transformer.request import Stage
from shared.contracts.builds import BuildRequested
from shared.contracts.commands import CommandIssued
from shared.contracts.days import Days
from shared.contracts.environment import Environment
from shared.contracts.event import Event
from shared.contracts.topics import BUILD_REQUESTS, COMMANDS, COMMITS
from shared.runtime.event_queue import EventQueue
from shared.runtime.open_waves import Waves
from shared.runtime.ownership import owned
from shared.runtime.progress import Progress
from shared.tables.spec import Column, Derivation, Kind, TableSpec, Type
from tests.unit.runtime.test_open_waves import built, landed
from tests.unit.transformer.planning.test_planner import TABLES

KEY = "an operator's key"
DEV = Environment("dev")
JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))
DATED = {
    **TABLES,
    "x.orders": replace(
        TABLES["x.orders"],
        columns=(Column("id", Type.LONG, 1), Column("day", Type.DATE, 2)),
        derived=Derivation(Kind.GROUP, ("x.staging",), ("id",), dated="day"),
    ),
}
"""The same tables; rows of the orders have a day."""


class Sent(EventQueue):
    """Keeps what it is told; acknowledges when asked to."""

    def __init__(self) -> None:
        self.told: list[BuildRequested] = []
        self.acknowledge: list[Callable[[], None]] = []

    def tell(
        self, topic: str, event: Event, acknowledged: Callable[[], None] | None = None
    ) -> None:
        assert topic == BUILD_REQUESTS
        assert isinstance(event, BuildRequested)
        self.told.append(event)
        if acknowledged is not None:
            self.acknowledge.append(acknowledged)


class Desk:
    """Handlers with all that they talk to."""

    def __init__(self, tables: Mapping[str, TableSpec] = TABLES) -> None:
        self.planner = Planner(tables, 2, Patience())
        self.progress, self.sent = Progress(), Sent()
        self.owned: list[frozenset[str]] = []
        self.handlers = Handlers(
            tables,
            self.planner,
            Waves(tables),
            self.progress,
            self.sent,
            DEV,
            KEY,
            lambda: None,
            self.owned.append,
            lambda: self.request_partitions,
        )
        self.request_partitions = 1
        self._offsets: dict[str, int] = {}

    def take(self, topic: str, event: Event | bytes) -> int:
        """One record of partition 0; its offset."""
        offset = self._offsets[topic] = self._offsets.get(topic, -1) + 1
        value = event if isinstance(event, bytes) else event.encode()[1]
        self.handlers.on_record(DEV.topic(topic), 0, offset, value)
        return offset

    def own_all(self) -> None:
        self.handlers.assigned([(DEV.topic(BUILD_REQUESTS), 0)])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def request(target: str, **more: Any) -> BuildRequested:
    given = {"cause": "commit", "wave": "x.raw/1", "requested_at": datetime.now(UTC), **more}
    return BuildRequested(request_id="r", target=target, **given)


def command(**more: Any) -> CommandIssued:
    given: dict[str, Any] = {
        "service": "transformer",
        "action": "refresh",
        "target": "x.orders",
        "arguments": {"reason": "a wrong rule"},
        **more,
    }
    return CommandIssued(command_id="c", actor="ada", issued_at=datetime.now(UTC), **given)


def test_a_commit_asks_for_every_table_that_reads_it(desk: Desk) -> None:
    desk.take(COMMITS, landed(1, 10))
    desk.take(COMMITS, built("x.orders", 4, 5))
    assert [(each.target, each.wave) for each in desk.sent.told] == [
        ("x.staging", "x.raw/1"),
        ("x.summary", "x.raw/1"),
        ("x.first", "x.raw/1"),
    ]
    trigger = desk.sent.told[0].trigger
    assert trigger is not None
    assert (trigger.table, trigger.sequence_number) == ("x.raw", 1)


def test_a_commit_that_no_landing_commit_waits_for_names_itself(desk: Desk) -> None:
    desk.take(COMMITS, built("x.staging", 4, 5))
    assert [each.wave for each in desk.sent.told] == ["x.staging/4"]


def test_a_commit_told_again_asks_for_nothing(desk: Desk) -> None:
    for number in (2, 2, 1):
        desk.take(COMMITS, landed(number, number))
    assert len(desk.sent.told) == 1


def test_a_compaction_asks_for_nothing(desk: Desk) -> None:
    desk.take(COMMITS, landed(1, 10, operation="replace"))
    assert desk.sent.told == []


def test_own_targets_do_not_wait_for_their_requests(desk: Desk) -> None:
    desk.own_all()
    desk.take(COMMITS, landed(1, 10))
    (start,) = desk.planner.starts(0.0)
    assert (start.target, start.wish.wave) == ("x.staging", "x.raw/1")
    assert [each.target for each in desk.sent.told] == ["x.staging"], "others read of it as well"
    desk.planner.succeeded(start, sources={"x.raw": landed(1, 10).snapshot_id})
    desk.take(BUILD_REQUESTS, desk.sent.told[0])
    assert desk.planner.starts(9.0) == []


def test_what_this_worker_has_announced_is_built_at_once(desk: Desk) -> None:
    desk.own_all()
    desk.handlers.announced(built("x.staging", 4, 5))
    assert [start.target for start in desk.planner.starts(0.0)] == ["x.orders"]
    assert desk.sent.told == [], "the request follows when the commit is read"


def test_a_request_is_built_by_the_owner_of_its_partition(desk: Desk) -> None:
    desk.take(BUILD_REQUESTS, request("x.staging"))
    assert desk.planner.starts(0.0) == []
    desk.own_all()
    assert desk.owned == [frozenset(desk.planner.targets)]
    desk.take(BUILD_REQUESTS, request("x.staging"))
    assert [start.target for start in desk.planner.starts(0.0)] == ["x.staging"]


def test_targets_are_shared_by_partition(desk: Desk) -> None:
    desk.request_partitions = 3
    desk.handlers.assigned([(DEV.topic(BUILD_REQUESTS), 1), (DEV.topic(COMMITS), 2)])
    assert desk.owned == [owned(desk.planner.targets, {1}, 3)]


def test_after_a_revocation_nothing_is_started_and_nothing_ready(desk: Desk) -> None:
    desk.own_all()
    desk.take(BUILD_REQUESTS, request("x.staging"))
    assert desk.handlers.not_ready() is None
    desk.handlers.revoked()
    assert desk.planner.starts(0.0) == []
    assert desk.handlers.not_ready() == "not yet a member of the consumer group"
    assert desk.progress.offsets() == {}


def test_a_refresh_is_asked_for_in_the_operators_name(desk: Desk) -> None:
    desk.take(COMMANDS, command().signed(KEY))
    (asked,) = desk.sent.told
    assert (asked.target, asked.cause, asked.full) == ("x.orders", "refresh", True)
    assert (asked.wave, asked.actor, asked.reason) == ("refresh/c", "ada", "a wrong rule")


def test_a_layer_is_refreshed_in_order(desk: Desk) -> None:
    desk.take(COMMANDS, command(target="x").signed(KEY))
    assert [each.target for each in desk.sent.told] == list(desk.planner.targets)


@pytest.mark.parametrize(
    "refused",
    [
        command(),
        command().signed("another key"),
        command(service="stream_writer").signed(KEY),
        command(action="resume_topic").signed(KEY),
        command(target="x.nothing").signed(KEY),
        command(target="x.raw").signed(KEY),
        b"no json",
    ],
    ids=["unsigned", "other key", "other service", "other action", "no table", "landing",
         "not readable"],
)  # fmt: skip
def test_what_is_no_refresh_is_passed_over(desk: Desk, refused: CommandIssued | bytes) -> None:
    offset = desk.take(COMMANDS, refused)
    assert desk.sent.told == []
    assert desk.progress.offsets() == {(COMMANDS, 0): offset + 1}


def test_a_command_is_dealt_with_once_all_its_requests_are_published(desk: Desk) -> None:
    offset = desk.take(COMMANDS, command(target="x").signed(KEY))
    assert desk.progress.offsets() == {(COMMANDS, 0): offset}
    for acknowledge in desk.sent.acknowledge:
        acknowledge()
    assert desk.progress.offsets() == {(COMMANDS, 0): offset + 1}


def test_a_refresh_is_dealt_with_once_it_is_built(desk: Desk) -> None:
    desk.own_all()
    offset = desk.take(BUILD_REQUESTS, request("x.orders", cause="refresh", full=True))
    desk.take(BUILD_REQUESTS, request("x.orders"))
    desk.handlers.ended("x.orders")
    assert desk.progress.offsets() == {(BUILD_REQUESTS, 0): offset}, "a live build has ended"
    stages = []
    while begun := desk.planner.starts(0.0):
        for start in begun:
            stages.append(start.stage)
            desk.planner.succeeded(start)
    assert stages == [Stage.REBUILD, Stage.LIVE, Stage.PUBLISH]
    desk.handlers.ended("x.orders")
    assert desk.progress.offsets() == {(BUILD_REQUESTS, 0): offset + 2}


def test_a_refresh_of_some_days_asks_for_no_full_build() -> None:
    desk = Desk(DATED)
    asked = {"first_day": "2026-01-01", "last_day": "2026-01-31"}
    desk.take(COMMANDS, command(arguments=asked).signed(KEY))
    (told,) = desk.sent.told
    assert (told.target, told.full, told.days) == ("x.orders", False, JANUARY)
    assert told.reason == "an operator asked for it"


def test_of_a_layer_the_tables_whose_rows_have_a_day_are_asked_for() -> None:
    desk = Desk(DATED)
    desk.take(COMMANDS, command(target="x", arguments={"last_day": "2026-01-31"}).signed(KEY))
    assert [(each.target, each.days) for each in desk.sent.told] == [
        ("x.orders", Days(None, date(2026, 1, 31)))
    ]


@pytest.mark.parametrize(
    "refused",
    [
        command(target="x.first", arguments={"first_day": "2026-01-01"}),
        command(arguments={"first_day": "2026-02-01", "last_day": "2026-01-31"}),
        command(arguments={"first_day": "soon"}),
    ],
    ids=["no column has the day", "no day", "no date"],
)
def test_days_that_cannot_be_refreshed_are_passed_over(refused: CommandIssued) -> None:
    desk = Desk(DATED)
    offset = desk.take(COMMANDS, refused.signed(KEY))
    assert desk.sent.told == []
    assert desk.progress.offsets() == {(COMMANDS, 0): offset + 1}


def test_a_refresh_of_some_days_is_dealt_with_once_it_is_built() -> None:
    """So that a worker that takes over carries it out."""
    desk = Desk(DATED)
    desk.own_all()
    asked = request("x.orders", cause="refresh", first_day=JANUARY.first, last_day=JANUARY.last)
    desk.take(BUILD_REQUESTS, request("x.orders"))
    (first,) = desk.planner.starts(0.0)
    offset = desk.take(BUILD_REQUESTS, asked)
    desk.planner.succeeded(first)
    desk.handlers.ended("x.orders")
    assert desk.progress.offsets() == {(BUILD_REQUESTS, 0): offset}, "another build has ended"
    (second,) = desk.planner.starts(0.0)
    assert (second.stage, second.days) == (Stage.LIVE, JANUARY)
    assert desk.progress.offsets() == {(BUILD_REQUESTS, 0): offset}
    desk.planner.succeeded(second)
    desk.handlers.ended("x.orders")
    assert desk.progress.offsets() == {(BUILD_REQUESTS, 0): offset + 1}
