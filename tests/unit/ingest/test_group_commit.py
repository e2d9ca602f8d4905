"""A lane and its records: one that cannot be built harms no other."""

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


class Batch:
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, value: bytes, **_: object) -> object:
        self.values.append(value)
        return object()


class Producer:
    """Takes every batch at once."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> asyncio.Future[None]:
        self.sent += batch.values
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
