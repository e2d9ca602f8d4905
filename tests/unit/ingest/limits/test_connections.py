"""There are never too many connections, and those that only wait make room."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from services.ingest.limits.connections import Connections
from services.ingest.limits.descriptors import affordable


@dataclass(eq=False)
class Fake:
    waiting_since: float | None
    ended: list[str] = field(default_factory=list)

    def end(self) -> None:
        self.ended.append("end")

    def abort(self) -> None:
        self.ended.append("abort")


def test_the_one_that_has_waited_longest_makes_room() -> None:
    connections = Connections(3)
    old, newer, busy = Fake(1.0), Fake(2.0), Fake(None)
    assert all(connections.add(each) for each in (newer, old, busy))
    assert connections.add(Fake(3.0))
    assert (old.ended, newer.ended, busy.ended) == (["end"], [], [])
    assert len(connections) == 3


def test_there_is_no_room_while_all_have_a_request_under_way() -> None:
    connections = Connections(2)
    assert connections.add(Fake(None))
    assert connections.add(Fake(None))
    assert not connections.add(Fake(0.0))
    assert len(connections) == 2


def test_several_make_room_at_once_when_there_are_many() -> None:
    connections = Connections(Connections.PART * 4)
    waiting = [Fake(float(number)) for number in range(connections.most)]
    assert all(connections.add(each) for each in waiting)
    assert connections.add(Fake(None))
    assert [bool(each.ended) for each in waiting] == [True] * 4 + [False] * (len(waiting) - 4)


def test_those_that_waited_too_long_are_ended() -> None:
    connections = Connections(10)
    old, newer, busy = Fake(1.0), Fake(2.0), Fake(None)
    assert all(connections.add(each) for each in (newer, old, busy))
    connections.end_waiting(before=1.5)
    assert (old.ended, newer.ended, busy.ended) == (["end"], [], [])


@pytest.mark.asyncio
async def test_it_is_told_when_none_is_left() -> None:
    connections = Connections(10)
    await connections.gone()
    one = Fake(None)
    connections.add(one)
    connections.abort()
    connections.discard(one)
    await connections.gone()
    assert one.ended == ["abort"]


def test_connections_need_file_descriptors() -> None:
    assert affordable(1) == 1
    assert 1 <= affordable(10**9) < 10**9
