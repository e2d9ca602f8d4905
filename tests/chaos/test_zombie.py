"""A worker that comes back from the dead writes nothing that others have written meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import SESSION_S
from tests.support.platform import EmbeddedPlatform
from tests.support.writing_under_load import Positions, ledger_after, traffic

RATE = 50.0
FAULTS = ("lost", "duplicated", "repeated_offsets", "misplaced", "altered", "errors")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    """Two writers that share every table; nobody derives or compacts."""
    embedded = EmbeddedPlatform(
        tmp_path,
        replicas={"stream_writer": 2, "transformer": 0, "maintainer": 0, "alerter": 0},
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


def until_committed(positions: Positions, rows: int, seconds: float = 120) -> None:
    """Wait until that many more offsets are recorded in the tables."""
    goal = sum(positions().values()) + rows
    deadline = time.monotonic() + seconds
    while sum(positions().values()) < goal:
        assert time.monotonic() < deadline, f"not {rows} more rows within {seconds} s"
        time.sleep(0.3)


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_a_zombie_worker_duplicates_nothing(platform: EmbeddedPlatform) -> None:
    """Stopped past its session and continued, a worker still holds batches of others."""
    positions = Positions(platform)
    with traffic(platform, rate=RATE, seconds=3, endless=True) as load:
        until_committed(positions, 50)
        platform.pause("stream_writer", 0)
        began = time.monotonic()
        try:
            # The other worker takes over every partition and goes beyond what the zombie holds.
            until_committed(positions, 500)
            assert time.monotonic() - began > SESSION_S
        finally:
            platform.resume("stream_writer", 0)
        until_committed(positions, 100)
    platform.wait_ready()
    counts = dict(ledger_after(platform, load.wait(1)).counts)
    for fault in FAULTS:
        assert counts[fault] == 0, counts
