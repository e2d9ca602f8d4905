"""From landed orders to the mart, on a real Ray; and what fails: a worker, the service, a table."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.transformer.config import TransformerSettings
from shared.contracts.builds import BuildFailed, BuildSucceeded
from shared.lake.bootstrap import bootstrap_tables
from shared.lake.catalog import open_catalog
from shared.lake.reader import LakeReader
from shared.runtime.commanding import issue
from shared.tables.registry import TABLES, derived_tables
from tests.support.build_events import builds
from tests.support.derived_platform import bergline
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import rows
from tests.support.spoiling import spoil
from tests.support.transformer import (
    FAST,
    info,
    order,
    send,
    start,
    table,
    until,
    workers,
)

pytestmark = pytest.mark.timeout(600)

DAILY = "metadata.sales_daily"
CORE = "core.orders"
MART = "marts.sales_dashboard_daily"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    directory: Path = tmp_path_factory.mktemp("transformer")
    embedded = EmbeddedPlatform(directory, environment=FAST, replicas={"alerter": 0})
    try:
        start(embedded)
        yield embedded
    finally:
        embedded.close()


def orders_of(platform: EmbeddedPlatform) -> list[int]:
    return sorted(rows(platform, CORE, ["source_order_id"])["source_order_id"].to_list())


def settled(platform: EmbeddedPlatform) -> bool:
    """Whether every derived table holds what has landed, as it says itself."""
    planned: list[dict[str, Any]] = info(platform, "/plan")["tables"]
    return all(each["mode"] == "nothing" for each in planned)


def until_settled(platform: EmbeddedPlatform, before: list[int], *new: int) -> None:
    """Wait until orders that were there and new ones are in every table, and none twice."""
    orders = sorted({*before, *new})
    until(lambda: orders_of(platform) == orders, f"{CORE} holds orders {orders}")
    until(lambda: settled(platform), "every table holds what has landed")


def succeeded(platform: EmbeddedPlatform) -> list[BuildSucceeded]:
    return [event for event in builds(platform) if isinstance(event, BuildSucceeded)]


def failed(platform: EmbeddedPlatform) -> list[BuildFailed]:
    return [event for event in builds(platform) if isinstance(event, BuildFailed)]


def building(platform: EmbeddedPlatform) -> dict[str, Any] | None:
    """A worker that builds now."""
    pool = info(platform)["pool"]["workers"]
    return next((worker for worker in pool if worker["builds"]), None)


def family(pid: int) -> list[psutil.Process]:
    """The processes below one."""
    return psutil.Process(pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(
        each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes
    )


def test_orders_reach_the_mart_and_every_build_is_told(platform: EmbeddedPlatform) -> None:
    send(platform, [order(number, "10.00", customer=number, day=number) for number in (1, 2, 3)])
    until_settled(platform, [], 1, 2, 3)

    daily = rows(platform, DAILY, ["order_date", "gross_revenue"]).sort("order_date")
    assert daily["gross_revenue"].to_list() == [Decimal("10.00")] * 3
    assert rows(platform, MART, ["currency"]).height >= 3

    until(lambda: info(platform)["waves"]["open"] == 0, "no wave is open")
    wanted = {spec.name for spec in derived_tables() if "shopify_customers" not in spec.name}

    def built() -> set[str]:
        return {event.target for event in succeeded(platform) if event.snapshot_id is not None}

    until(lambda: built() >= wanted, "every build is told")  # a moment after it is committed
    assert built() == wanted
    waves = {event.wave for event in succeeded(platform) if event.cause == "commit"}
    assert waves
    assert all(wave.startswith("raw.shopify_orders/") for wave in waves)


def test_a_worker_killed_in_a_build_is_named_replaced_and_costs_no_row(
    platform: EmbeddedPlatform,
) -> None:
    before, stopped = orders_of(platform), workers(platform)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    send(platform, [order(number, day=4) for number in (4, 5)])
    killed = until(lambda: building(platform), "a build has begun")
    os.kill(killed["pid"], signal.SIGKILL)
    for pid in set(stopped) - {killed["pid"]}:
        os.kill(pid, signal.SIGCONT)

    until_settled(platform, before, 4, 5)
    failures = until(lambda: failed(platform), "the failure is told")
    assert [(failure.target, failure.error_type) for failure in failures] == [
        (killed["builds"], "WorkerDied")
    ]
    assert failures[0].will_retry
    assert str(killed["pid"]) in failures[0].error
    now = until(lambda: len(workers(platform)) == 2 and workers(platform), "two workers again")
    assert killed["pid"] not in now


def test_after_a_kill_of_the_service_no_ray_is_left_and_the_tables_are_right(
    platform: EmbeddedPlatform,
) -> None:
    before = orders_of(platform)
    for pid in workers(platform):
        os.kill(pid, signal.SIGSTOP)
    send(platform, [order(6, day=4), order(1, "25.00", day=1)])
    until(lambda: building(platform), "a build has begun")
    old = platform.process("transformer").pid
    ray = family(old)
    assert any("raylet" in each.name() for each in ray)
    assert platform.kill("transformer") == old

    until(lambda: gone(ray), "every process of its Ray has ended", 15.0)
    platform.wait_replaced("transformer", old=old)
    until_settled(platform, before, 1, 6)
    totals = rows(platform, CORE, ["source_order_id", "total_price"])
    assert totals.filter(source_order_id=1)["total_price"].to_list() == [Decimal("25.00")]


def test_a_table_that_fails_stops_only_what_is_built_from_it(platform: EmbeddedPlatform) -> None:
    settings, orders = platform.settings, orders_of(platform)
    first = settings.environment.table("core.first_orders")
    before = table(platform, "analytics.order_summary").metadata.current_snapshot_id
    open_catalog(settings).drop_table(first)

    send(platform, [order(7, day=5)])
    until(lambda: 7 in orders_of(platform), "what does not depend on it goes on")
    until(
        lambda: any(event.target == "core.first_orders" for event in failed(platform)),
        "the failure is told",
    )
    assert table(platform, "analytics.order_summary").metadata.current_snapshot_id == before
    told = {each["target"]: each["reason"] for each in info(platform, "/plan")["tables"]}
    assert told["core.first_orders"].startswith("it cannot be compared: table core.first_orders")
    assert told[CORE] in ("it holds all that its inputs have", "its inputs were only rewritten")

    bootstrap_tables(settings)
    until_settled(platform, orders, 7)
    hours = rows(platform, "analytics.order_summary", ["total_orders"])
    assert hours["total_orders"].sum() == len({*orders, 7})


def test_a_refresh_is_built_aside_and_told_as_one_build(platform: EmbeddedPlatform) -> None:
    before = rows(platform, CORE, ["source_order_id", "total_price"]).sort("source_order_id")
    command = asyncio.run(
        issue(
            platform.settings,
            service="transformer",
            action="refresh",
            target=CORE,
            actor="ada",
        )
    )
    wave = f"refresh/{command.command_id}"

    def ended() -> BuildSucceeded | None:
        return next((event for event in succeeded(platform) if event.wave == wave), None)

    refreshed = until(ended, "the refresh is told")
    assert (refreshed.target, refreshed.cause, refreshed.mode) == (CORE, "refresh", "full")
    found = table(platform, CORE)
    assert found.metadata.current_snapshot_id == refreshed.snapshot_id
    assert "rebuild" not in found.metadata.refs
    until(lambda: settled(platform), "what is built from it follows")
    after = rows(platform, CORE, ["source_order_id", "total_price"]).sort("source_order_id")
    assert after.equals(before)


def test_a_refresh_of_some_days_mends_them_in_the_table_and_what_reads_it_follows(
    platform: EmbeddedPlatform,
) -> None:
    def totals() -> dict[int, set[Decimal]]:
        found = rows(platform, CORE, ["order_date", "total_price"]).group_by("order_date").all()
        return {day.day: set(prices) for day, prices in found.iter_rows()}

    def daily() -> list[tuple[Any, ...]]:
        found = rows(platform, DAILY, ["order_date", "gross_revenue"]).sort("order_date")
        return found.rows()

    before, days = orders_of(platform), (2, 3, 9)
    send(platform, [order(20 + day, day=day) for day in days])
    until_settled(platform, before, *(20 + day for day in days))
    right, summed = totals(), daily()
    handle = LakeReader(platform.settings).handle(CORE)
    spoil(handle, TABLES[CORE], lambda orders: orders.with_columns(total_price=Decimal("7.00")))
    wrong = {day: {Decimal("7.00")} for day in right}
    assert totals() == wrong
    until(lambda: daily() != summed and settled(platform), "the sums are wrong as well")

    told = bergline(
        platform, "refresh", CORE, "--from", "2026-11-02", "--to", "2026-11-03", "--wait"
    )
    (built,) = told["builds"]
    assert (built["mode"], built["cause"]) == ("incremental", "refresh")
    assert built["reason"] == "days 2026-11-02 to 2026-11-03 computed anew"
    assert totals() == wrong | {2: right[2], 3: right[3]}, "other days are left alone"
    bergline(platform, "refresh", "core", "--to", "2026-11-30", "--wait")
    assert totals() == right
    until(lambda: daily() == summed, "the sums follow")


def test_no_secret_is_in_an_argument_list_of_ray(platform: EmbeddedPlatform) -> None:
    settings = TransformerSettings(_env_file=platform.layout.connection_file)
    key = settings.transformer_token_key
    assert key is not None
    secrets = {key.get_secret_value(), settings.s3_secret_key.get_secret_value()}  # type: ignore[union-attr]
    ray = family(platform.process("transformer").pid)
    arguments = " ".join(argument for each in ray for argument in each.cmdline())
    assert "raylet" in arguments
    assert not any(secret in arguments for secret in secrets)


def test_rays_node_waits_for_no_agent_to_choose_its_ports(platform: EmbeddedPlatform) -> None:
    """It would end after 15 s, and on a busy machine agents start later."""
    ray = family(platform.process("transformer").pid)
    [node] = [each.cmdline() for each in ray if each.name() == "raylet"]
    told = dict(each.replace("-", "_").split("=", 1) for each in node if "=" in each)
    for port in ("metrics_agent", "dashboard_agent_listen", "runtime_env_agent", "metrics_export"):
        assert int(told[f"__{port}_port"]) > 0
