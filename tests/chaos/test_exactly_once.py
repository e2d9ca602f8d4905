"""Kill, stop and starve processes under load: every accepted delivery is a row, exactly once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.ledger import Ledger
from shared.contracts.environment import Environment
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS
from shared.lake.catalog import load, open_catalog
from shared.runtime.topic_reader import TopicReader
from shared.tables.registry import landing_tables
from tests.support.platform import EmbeddedPlatform
from tests.support.writing_under_load import ledger_after, positions, traffic

pytestmark = pytest.mark.chaos

RATE = 150.0
SESSION_S = 6
WORKERS = 2


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """Two workers that share every table: each commit may meet the other's."""
    directory: Path = tmp_path_factory.mktemp("chaos")
    embedded = EmbeddedPlatform(
        directory,
        replicas={"stream_writer": WORKERS},
        environment={
            "BERGLINE_STREAM_WRITER_SPREAD_PARTITIONS": "true",
            "BERGLINE_STREAM_WRITER_SESSION_TIMEOUT_S": str(SESSION_S),
        },
    )
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


def closes(ledger: Ledger) -> None:
    """Every accepted delivery is there, at one place, byte for byte."""
    counts = dict(ledger.counts)
    for fault in ("lost", "duplicated", "repeated_offsets", "misplaced", "altered", "errors"):
        assert counts[fault] == 0, counts


def until_committed(platform: EmbeddedPlatform, rows: int, seconds: float = 60) -> None:
    """Wait until that many more offsets are recorded in the tables."""
    goal = sum(positions(platform).values()) + rows
    deadline = time.monotonic() + seconds
    while sum(positions(platform).values()) < goal:
        assert time.monotonic() < deadline, f"not {rows} more rows within {seconds} s"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["stream_writer", "broker", "storage"])
def test_kill_three_times_under_load(platform: EmbeddedPlatform, service: str) -> None:
    with traffic(platform, rate=RATE, seconds=25) as load:
        for round_ in range(3):
            until_committed(platform, 100)
            replica = round_ % WORKERS if service == "stream_writer" else 0
            killed = platform.kill(service, replica)
            platform.wait_replaced(service, replica, old=killed)
    closes(ledger_after(platform, load.wait(1)))


@pytest.mark.timeout(300)
def test_a_zombie_worker_duplicates_nothing(platform: EmbeddedPlatform) -> None:
    """Stopped past its session and continued, a worker still holds batches of others."""
    with traffic(platform, rate=RATE, seconds=30) as load:
        until_committed(platform, 100)
        platform.pause("stream_writer", 0)
        began = time.monotonic()
        try:
            # The other worker takes over every partition and goes beyond what the zombie holds.
            until_committed(platform, 1500, seconds=40)
            assert time.monotonic() - began > SESSION_S
        finally:
            platform.resume("stream_writer", 0)
        until_committed(platform, 300)
    platform.wait_ready()
    closes(ledger_after(platform, load.wait(1)))


def test_every_commit_was_announced_in_order(platform: EmbeddedPlatform) -> None:
    """After all those kills: no snapshot without its event, and none before an older one."""
    catalog = open_catalog(platform.settings)
    heads = {
        spec.name: load(catalog, Environment(), spec.name).current_snapshot()
        for spec in landing_tables()
    }
    deadline = time.monotonic() + 30
    while True:
        announced = asyncio.run(announcements(platform))
        missing = {
            name: set(range(1, (head.sequence_number or 0) + 1)) - set(announced.get(name, []))
            for name, head in heads.items()
            if head is not None
        }
        if not any(missing.values()):
            break
        assert time.monotonic() < deadline, missing
    for name, numbers in announced.items():
        first_seen = list(dict.fromkeys(numbers))
        assert first_seen == sorted(first_seen), name


async def announcements(platform: EmbeddedPlatform) -> dict[str, list[int]]:
    """Sequence numbers on ``lakehouse.commits`` by table, in the order of the topic."""
    found: dict[str, list[int]] = {}

    def note(record: Any) -> None:
        event = TableCommitted.decode(record.value)
        found.setdefault(event.table, []).append(event.sequence_number)

    reader = TopicReader(platform.settings, COMMITS, note)
    reader.start()
    try:
        await asyncio.wait_for(reader.caught_up.wait(), 20)
    finally:
        await reader.stop()
    return found
