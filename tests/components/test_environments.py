"""Two environments on one broker and one catalog do not see each other."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.demo.settings import DemoSettings
from deploy.generator.load import steady_load
from deploy.generator.signing import Signer
from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.topics import MAINTENANCE
from shared.lake.catalog import load, open_catalog
from shared.lake.handle import TableHandle
from shared.runtime.event_log import read_events
from shared.runtime.settings import Settings
from shared.tables.registry import landing_tables
from tests.support.broker import free_port
from tests.support.maintainer import QUICK
from tests.support.platform import EmbeddedPlatform
from tests.support.transformer import until

WITHIN_S = 60.0
MAINTAINED_WITHIN_S = 150.0
"""Maintenance steps back behind everything else that runs."""
TABLES = 6
"""All landing tables are maintained alike, one after the other: so many show it."""
SWEEPING = {
    **QUICK,
    "BERGLINE_MAINTAINER_LEAST_FILES": "2",
    "BERGLINE_MAINTAINER_LOOK_S": "300",
}
"""Each table is looked at, expired and swept once, and then left alone for long."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    """What lands, and where, and is compacted; nothing is derived."""
    embedded = EmbeddedPlatform(
        tmp_path, replicas={"transformer": 0, "alerter": 0}, environment=SWEEPING
    )
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


@contextmanager
def service(module: str, port: int, variables: dict[str, str]) -> Iterator[None]:
    """One more process of a service, ready."""
    name = module.removeprefix("services.").upper()
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, **variables, f"BERGLINE_{name}_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + WITHIN_S
        while True:
            assert process.poll() is None, f"{module} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{module} is not ready"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(15)


def rows(settings: Settings) -> int:
    """Rows of all landing tables of one environment."""
    catalog = open_catalog(settings)
    return sum(
        load(catalog, settings.environment, spec.name).scan().count() for spec in landing_tables()
    )


def until_rows(settings: Settings, goal: int) -> None:
    """Wait until the heads of landing tables tell of so many rows."""
    catalog = open_catalog(settings)
    tables = [TableHandle(catalog, settings.environment, spec.name) for spec in landing_tables()]

    def told() -> int:
        heads = [table.reload().current_snapshot() for table in tables]
        return sum(int(head.summary["total-records"]) for head in heads if head is not None)

    until(lambda: told() >= goal, f"{goal} rows", WITHIN_S)


def maintained(settings: Settings) -> set[str]:
    """Landing tables that the environment's maintainer has expired and swept for orphans."""
    since = datetime.now(UTC) - timedelta(hours=1)
    events = asyncio.run(read_events(settings, [MAINTENANCE], since))
    assert not [each for each in events if isinstance(each, MaintenanceFailed)]
    done = {(each.table, each.job) for each in events if isinstance(each, MaintenanceSucceeded)}
    names = [spec.name for spec in landing_tables()]
    return {name for name in names if {(name, "expire"), (name, "orphans")} <= done}


def until_maintained(*environments: Settings) -> None:
    """Wait until all have maintained some of the same tables.

    What a maintainer is told of is where environments would meet: events, tables and directories.
    """

    def some() -> bool:
        return len(set.intersection(*map(maintained, environments))) >= TABLES

    until(some, f"{TABLES} tables are maintained in each", MAINTAINED_WITHIN_S)


async def topics(settings: Settings) -> set[str]:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await client.start()
    try:
        return set(await client.list_topics())
    finally:
        await client.close()


def test_two_environments_share_broker_and_catalog(platform: EmbeddedPlatform) -> None:
    plain = platform.settings
    blue = plain.model_copy(update={"env": "blue"})
    variables = {**platform.variables, "BERGLINE_ENV": "blue"}
    # The data directory belongs to the first environment's workers.
    for name in ("STREAM_WRITER", "MAINTAINER"):
        own = Path(variables["BERGLINE_DATA_DIR"]) / "b" / name
        variables[f"BERGLINE_{name}_WORK_DIR"] = str(own)
    subprocess.run(
        [sys.executable, "-m", "shared.cli", "bootstrap"],
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        timeout=60,
    )
    demo = DemoSettings.of(platform.layout.root)
    signer = Signer.of(demo)
    ingest_port, writer_port, maintainer_port = free_port(), free_port(), free_port()
    with (
        service("services.ingest", ingest_port, variables),
        service("services.stream_writer", writer_port, variables),
        service("services.maintainer", maintainer_port, variables),
    ):
        here = asyncio.run(
            steady_load(f"http://127.0.0.1:{ingest_port}", signer, rate=50, seconds=1, seed=1)
        )
        there = asyncio.run(steady_load(demo.ingest_url, signer, rate=30, seconds=1, seed=2))
        assert (len(here.accepted), len(there.accepted)) == (50, 30)
        until_rows(blue, 50)
        until_rows(plain, 30)
        until_maintained(plain, blue)
        assert rows(blue) == 50
        assert rows(plain) == 30
        with urllib.request.urlopen(f"http://127.0.0.1:{writer_port}/info", timeout=5) as answer:
            assert "raw.shopify_orders" in json.load(answer)["tables"]

    names = asyncio.run(topics(plain))
    assert {name.removeprefix("blue.") for name in names if name.startswith("blue.")} == {
        name for name in names if not name.startswith(("blue.", "_"))
    }
    namespaces = {namespace[0] for namespace in open_catalog(plain).list_namespaces()}
    assert {"raw", "metadata", "blue_raw", "blue_metadata"} <= namespaces
