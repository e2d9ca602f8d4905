"""The service where there is only a broker: ready without Ray and without a catalog."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.settings import Settings
from shared.runtime.topic_bootstrap import bootstrap_topics
from shared.tables.registry import derived_tables
from tests.support.broker import BrokerProcess, free_port, running
from tests.support.transformer import until


class Alone:
    """``python -m services.transformer`` on a port of its own."""

    def __init__(self, broker: BrokerProcess, directory: Path, **settings: str) -> None:
        self.port = free_port()
        self.log = directory / "transformer.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.transformer"],
                env={
                    **os.environ,
                    "BERGLINE_DATA_DIR": str(directory),
                    "BERGLINE_BROKERS": broker.bootstrap,
                    "BERGLINE_TRANSFORMER_PORT": str(self.port),
                    "BERGLINE_CATALOG_URI": f"http://127.0.0.1:{free_port()}",
                    **settings,
                },
                stdout=log,
                stderr=log,
            )

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON; status 0 when nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as got:
                return got.status, json.load(got)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, None

    def until_ready(self) -> None:
        until(lambda: self.get("/readyz")[0] == 200, "ready")


@pytest.fixture
def topics(tmp_path: Path) -> Iterator[BrokerProcess]:
    for broker in running(tmp_path):
        asyncio.run(bootstrap_topics(Settings(brokers=broker.bootstrap)))
        yield broker


@contextmanager
def started(broker: BrokerProcess, directory: Path) -> Iterator[Alone]:
    """One whose Ray is out of reach."""
    directory.mkdir(exist_ok=True)
    nobody = f"127.0.0.1:{free_port()}"
    one = Alone(broker, directory, BERGLINE_TRANSFORMER_RAY_ADDRESS=nobody)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait(10)


@pytest.fixture
def alone(topics: BrokerProcess, tmp_path: Path) -> Iterator[Alone]:
    with started(topics, tmp_path) as one:
        yield one


def test_it_is_ready_without_ray_and_says_what_is_away(alone: Alone) -> None:
    alone.until_ready()
    _, told = alone.get("/info")
    assert told["pool"]["workers"] == []
    assert told["targets"]
    status, answer = alone.get("/plan")
    assert status == 503
    assert "does not answer" in answer["error"]


def test_it_ends_in_time_with_ray_out_of_reach(alone: Alone) -> None:
    alone.until_ready()
    alone.process.terminate()
    assert alone.process.wait(12) == 0, alone.log.read_text()


def test_two_workers_share_the_tables_and_one_takes_over(
    topics: BrokerProcess, tmp_path: Path
) -> None:
    everything = {spec.name for spec in derived_tables()}

    def targets(one: Alone) -> set[str]:
        _, told = one.get("/info")
        return set(told["targets"]) if told else set()

    with started(topics, tmp_path / "first") as first:
        until(lambda: targets(first) == everything, "the first has all")
        with started(topics, tmp_path / "second") as second:

            def shared() -> bool:
                mine, others = targets(first), targets(second)
                return bool(mine and others) and mine | others == everything and not mine & others

            until(shared, "both have some, and no table has two owners")
        until(lambda: targets(first) == everything, "the first has all again")
