"""Records of several topics come in order of time, each once, however much is read at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.cli.alert_past import Past
from shared.runtime import log_bounds, log_ranges
from shared.runtime.errors import NotFound
from shared.runtime.log_bounds import LogBounds, PartitionKey
from shared.runtime.settings import Settings

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)
MINUTES = 300
UNTIL = BEGAN + timedelta(minutes=MINUTES)
KEYS: tuple[PartitionKey, ...] = (("commits", 0), ("commits", 1), ("builds", 0), ("tables", 0))

Logs = dict[PartitionKey, list[int]]
"""Partition → minute of each record; they may go back."""


class Broker:
    """Logs as a broker shows them."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        self.most = 0
        self.asked = 0

    async def log_bounds(self, _: Settings, topics: Iterable[str]) -> Any:
        wanted = set(topics)
        return {key: LogBounds(0, len(log)) for key, log in self.logs.items() if key[0] in wanted}

    async def offsets_at_each(
        self, _: Settings, keys: Iterable[PartitionKey], moments: Sequence[datetime]
    ) -> list[dict[PartitionKey, int | None]]:
        self.asked += 1
        minutes = [(moment - BEGAN) / timedelta(minutes=1) for moment in moments]
        return [
            {
                key: next((n for n, minute in enumerate(self.logs[key]) if minute >= at), None)
                for key in keys
            }
            for at in minutes
        ]

    async def read_range(
        self, _: Settings, ranges: Mapping[PartitionKey, tuple[int, int]]
    ) -> AsyncGenerator[Any]:
        read = 0
        for (topic, partition), (first, end) in ranges.items():
            for offset in range(first, end):
                at = BEGAN + timedelta(minutes=self.logs[topic, partition][offset])
                read += 1
                yield SimpleNamespace(
                    topic=topic, partition=partition, offset=offset, timestamp=at.timestamp() * 1000
                )
        self.most = max(self.most, read)

    def past(self, monkeypatch: pytest.MonkeyPatch, step: timedelta) -> Past:
        monkeypatch.setattr(log_bounds, "log_bounds", self.log_bounds)
        monkeypatch.setattr(log_ranges, "offsets_at_each", self.offsets_at_each)
        monkeypatch.setattr(log_ranges, "read_range", self.read_range)
        later = BEGAN + timedelta(minutes=70)
        return Past(
            Settings(), {"commits": BEGAN, "builds": later, "tables": None}, UNTIL, step=step
        )


def logs() -> st.SearchStrategy[Logs]:
    return st.fixed_dictionaries(
        {key: st.lists(st.integers(-60, MINUTES - 1), max_size=12) for key in KEYS}
    )


def place(record: Any) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


@given(told=logs(), minutes=st.integers(7, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_all_is_read_once_in_order_of_time(
    told: Logs, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker(told)
    past = broker.past(monkeypatch, timedelta(minutes=minutes))
    found = list(past)
    assert [each.at for each in found] == sorted(each.at for each in found)
    first = {("commits", 0): 0, ("commits", 1): 0, ("builds", 0): 70, ("tables", 0): -60}
    expected = set()
    for key, log in told.items():
        begin = next((n for n, minute in enumerate(log) if minute >= first[key]), len(log))
        expected |= {(*key, offset) for offset in range(begin, len(log))}
    assert sorted(place(each.record) for each in found) == sorted(expected)
    assert past.read == len(expected)
    for key in KEYS:
        of_key = [place(each.record)[2] for each in found if place(each.record)[:2] == key]
        assert of_key == sorted(of_key), "in order of the log"


def test_an_hour_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker({key: list(range(MINUTES)) if key[0] == "commits" else [] for key in KEYS})
    assert len(list(broker.past(monkeypatch, timedelta(hours=1)))) == 2 * MINUTES
    assert broker.most == 120


def test_a_quiet_past_takes_few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker({key: [] for key in KEYS})
    assert list(broker.past(monkeypatch, timedelta(minutes=10))) == []
    assert broker.asked == 2 + 2, "two begins, and 30 steps of which 24 are asked for at a time"


def test_a_topic_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    past = Broker({}).past(monkeypatch, timedelta(hours=1))
    with pytest.raises(NotFound, match="builds, commits, tables"):
        next(iter(past))
