"""A lane and its records: they wait while the broker works; one that cannot be built harms none."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from services.ingest.admission import Admission
from services.ingest.group_commit import Lane
from services.ingest.record import Record
from services.ingest.turns import Turns
from shared.contracts.envelope import Headers
from shared.runtime.errors import Unavailable
from tests.explore.virtual_loop import Clock, VirtualLoop


class Batch:
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, value: bytes, **_: object) -> object:
        self.values.append(value)
        return object()


class Producer:
    """Takes every batch at once, or acknowledges when it is told to."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.batches: list[list[bytes]] = []
        self.at_work: asyncio.Future[None] | None = None
        self.is_slow = False

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> asyncio.Future[None]:
        self.sent += batch.values
        self.batches.append(batch.values)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_slow:
            self.at_work = acknowledged
        else:
            acknowledged.set_result(None)
        return acknowledged


class Way:
    def __init__(self) -> None:
        self.producing = Producer()
        self.taking = Turns()

    def turns(self, _physical: str, _partition: int) -> Turns:
        return self.taking

    def producer(self) -> Any:
        return self.producing

    def failed(
        self, lane: Lane, members: list[Record], error: BaseException, *, is_sent: bool
    ) -> None:
        raise AssertionError(error)

    def moved(self) -> None:
        return


def no_headers() -> Headers:
    """As those of a reader that gives a number where text belongs."""
    return [("ce_id", cast("str", 17).encode())]


@pytest.mark.asyncio
async def test_a_record_without_headers_is_refused_and_those_behind_it_go_on() -> None:
    admission = Admission(10, 1000)
    room = admission.room("some")
    way = Way()
    lane = Lane("some.things", 0, way)
    told: dict[bytes, asyncio.Future[Unavailable | None]] = {}
    for value, headers in ((b"1", no_headers), (b"2", list)):
        with room.hold() as hold:
            told[value] = asyncio.get_running_loop().create_future()
            record = Record(
                "some.things", "some", b"k", value, headers, hold, told[value].set_result
            )
            hold.lend()
            lane.add(record)
    async with asyncio.timeout(20):
        assert isinstance(await told[b"1"], Unavailable)
        assert await told[b"2"] is None
    assert way.producing.sent == [b"2"]
    assert admission.deliveries == 0, "what they occupied is free again"


def test_what_comes_while_the_broker_is_at_work_is_one_batch() -> None:
    clock = Clock(0.0)
    loop = VirtualLoop(clock)
    room = Admission(10, 1000).room("some")

    def add(value: bytes) -> None:
        with loop.running(), room.hold() as hold:
            hold.lend()
            lane.add(Record("some.things", "some", b"k", value, list, hold, lambda _: None))

    def wait(seconds: float) -> None:
        until = clock.now + seconds
        while (due := loop.next_timer()) is not None and due <= until:
            clock.now = due
            loop.run_ready()
        clock.now = until

    with loop.running():
        way = Way()
    way.producing.is_slow = True
    lane = Lane("some.things", 0, way)
    add(b"0")
    wait(0.01)
    for value in (b"1", b"2", b"3", b"4"):
        add(value)
        wait(0.01)
    assert way.producing.batches == [[b"0"]]
    assert way.producing.at_work is not None
    add(b"5")
    way.producing.at_work.set_result(None)
    loop.run_ready()
    wait(0.01)
    assert way.producing.batches == [[b"0"], [b"1", b"2", b"3", b"4", b"5"]]
