"""Killed again and again while it writes and replays, an instance loses nothing it accepted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from services.ingest.spool.episode import Episodes
from services.ingest.spool.replayer import Replayer
from services.ingest.spool.spool import Spool
from tests.components.spooling_child import BROKER, KEYS, MAX_BYTES, SPOOL, FileBroker
from tests.support.tied import tied

KILLS = 6
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(120)


def accepted_until_killed(directory: Path, first: int, lines: int) -> list[int]:
    """Numbers that a child accepted; it is killed after so many of them."""
    with subprocess.Popen(
        tied(
            sys.executable,
            "-m",
            "tests.components.spooling_child",
            str(directory),
            str(first),
        ),
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        try:
            found = [int(child.stdout.readline()) for _ in range(lines)]
        finally:
            child.kill()
        # The last line may have been cut by the kill.
        rest = child.stdout.read().decode()
        found += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return found


async def empty(directory: Path) -> None:
    """Replay all that is left, without a kill."""
    spool = Spool(directory / SPOOL, max_bytes=MAX_BYTES, share=1.0)
    broker = FileBroker(directory / BROKER)
    replayer = Replayer(spool, broker, Episodes("last", lambda _event: None))
    spool.start()
    replayer.start()
    async with asyncio.timeout(60):
        while spool.outstanding or spool.quota.total:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    await replayer.stop()
    await spool.close(5.0)
    assert not list((directory / SPOOL).rglob("*.segment"))


def test_kills_while_writing_and_replaying_lose_nothing(tmp_path: Path) -> None:
    random = Random(7)
    accepted: list[int] = []
    for _ in range(KILLS):
        first = max(accepted, default=-1) + 1000
        accepted += accepted_until_killed(tmp_path, first, random.randint(1, 900))
        taken = sum(path.stat().st_size for path in (tmp_path / SPOOL).rglob("*.segment"))
        assert taken <= MAX_BYTES
    asyncio.run(empty(tmp_path))
    arrived = [line.split() for line in (tmp_path / BROKER).read_text().splitlines()]
    numbers = [int(number) for _, number in arrived]
    firsts = list(dict.fromkeys(numbers))
    assert set(accepted) <= set(firsts)
    assert len(accepted) > KILLS
    assert len(firsts) < len(numbers), "acknowledgements were lost, so something is repeated"
    for key in range(KEYS):
        of_key = [number for number in firsts if number % KEYS == key]
        assert of_key == sorted(of_key)
