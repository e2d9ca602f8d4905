"""The operator's commands on a whole platform: what they print for programs, and how they end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr

from deploy.demo.settling import settled
from deploy.generator.delivery import Delivery
from deploy.generator.plan import stream
from deploy.generator.poster import Poster
from deploy.generator.signing import Signer
from shared.contracts.commands import CommandIssued
from shared.lake.catalog import open_catalog
from shared.lake.reader import LakeReader
from shared.lake.schema import arrow_schema
from shared.sources.topics import TOPICS
from shared.tables.lineage import in_order
from shared.tables.registry import TABLES, derived_tables, landing_tables
from tests.support.derived_platform import complete
from tests.support.platform import EmbeddedPlatform, module_platform
from tests.support.warm_bergline import bergline

__all__ = ["module_platform"]

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 90.0
LANDING = [spec.name for spec in landing_tables()]
ORDERS, UNTOUCHED = "raw.shopify_orders", "raw.shopify_products"


class Desk:
    """``bergline`` pointed at one platform."""

    def __init__(self, platform: EmbeddedPlatform) -> None:
        self.platform = platform
        self.posted: list[Delivery] = []
        self._plan = (each for each in stream(7) if each.topic != "shopify.products")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.platform.variables}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return bergline(arguments, self.environment)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The one JSON object that a command prints."""
        ended = self.run(*arguments, "--output", "json")
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def post(self, count: int) -> list[Delivery]:
        """Further valid deliveries, of every topic but products."""
        deliveries = [next(self._plan) for _ in range(count)]
        secrets = self.platform.connection
        signer = Signer(
            {
                source: SecretStr(secrets[f"BERGLINE_INGEST_{source.upper()}_SECRETS"])
                for source in ("shopify", "stripe")
            }
        )
        outcomes = asyncio.run(Poster(self.platform.url(), signer).post(deliveries))
        assert all(outcome.accepted for outcome in outcomes)
        self.posted += deliveries
        return deliveries

    def wait_landed(self) -> None:
        """Wait until tables hold all that is in the topics, without a command of ours."""
        settings = self.platform.settings
        asyncio.run(settled(settings, open_catalog(settings)))


def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def desk(module_platform: EmbeddedPlatform) -> Desk:
    desk = Desk(module_platform)
    desk.post(300)
    desk.wait_landed()
    lake = LakeReader(module_platform.settings)
    tables = [table for table in lake.tables(LANDING).values() if table is not None]
    heads = [table.metadata.current_snapshot() for table in tables]
    found = [head.summary["total-records"] for head in heads if head and head.summary]
    assert sum(int(rows or 0) for rows in found) == len(desk.posted)
    return desk


def test_topics_list(desk: Desk) -> None:
    topics = {each["topic"]: each for each in desk.json("topics", "list")["topics"]}
    assert list(topics) == list(TOPICS)
    orders = topics["shopify.orders"]
    assert orders["exists"]
    assert len(orders["partitions"]) == 3
    assert orders["messages"] == sum(each.topic == "shopify.orders" for each in desk.posted)
    assert orders["retention_ms"] == 7 * 86_400_000
    size = orders["size_bytes"]
    assert size > 0 if desk.platform.has_embedded_broker else size is None
    assert topics["lakehouse.tables"]["cleanup"] == "compact"


def test_a_topic_of_another_environment_is_missing_and_said_so(desk: Desk) -> None:
    ended = bergline(["topics", "list"], {**desk.environment, "BERGLINE_ENV": "other"})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("missing: run `bergline bootstrap`") == len(TOPICS)


def test_tail_prints_a_json_line_per_record_with_the_payload_as_posted(desk: Desk) -> None:
    ended = desk.run("topics", "tail", "shopify.orders", "-n", "1000", "-o", "json")
    records = [json.loads(line) for line in ended.stdout.splitlines()]
    posted = [each for each in desk.posted if each.topic == "shopify.orders"]
    assert sorted(r["headers"]["ce_id"] for r in records) == sorted(p.event_id for p in posted)
    bodies = {p.event_id: json.loads(p.body) for p in posted}
    assert all(r["value"] == bodies[r["headers"]["ce_id"]] for r in records)
    assert [r["timestamp"] for r in records] == sorted(r["timestamp"] for r in records)


def test_tail_from_an_offset(desk: Desk) -> None:
    arguments = ["topics", "tail", "shopify.orders", "--partition", "1", "--from", "1", "-n", "2"]
    lines = desk.run(*arguments, "-o", "json").stdout.splitlines()
    assert [(json.loads(line)["partition"], json.loads(line)["offset"]) for line in lines] == [
        (1, 1),
        (1, 2),
    ]
    assert desk.run("topics", "tail", "shopify.orders", "--from", "1").returncode == 2
    assert desk.run("topics", "tail", "shopify.ordres").returncode == 4
    beyond = ["topics", "tail", "shopify.orders", "--partition", "1", "--from", "999999"]
    assert desk.run(*beyond).returncode == 4


def test_following_ends_with_ctrl_c(desk: Desk) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "shared.cli", "topics", "tail", "shopify.orders", "-n1", "-f"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=desk.environment,
        cwd=ROOT,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("following")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.startswith("shopify.orders/")
    assert "Traceback" not in err


def test_resume_sends_a_command_that_the_service_accepts(desk: Desk) -> None:
    sent = desk.json("topics", "resume", "shopify.orders")["sent"]
    assert (sent["service"], sent["action"], sent["target"]) == (
        "stream_writer",
        "resume_topic",
        "shopify.orders",
    )
    tail = desk.run("topics", "tail", "lakehouse.commands", "-n", "1", "-o", "json").stdout
    command = CommandIssued.model_validate(json.loads(tail)["value"])
    key = desk.platform.settings.operator_key
    assert key is not None
    assert command.verified(key.get_secret_value())
    assert command.command_id == sent["command_id"]
    until(
        lambda: "command carried out" in desk.platform.log("stream_writer"),
        "stream_writer did not carry it out",
    )
    assert desk.run("topics", "resume", "stripe.nothing").returncode == 4


def test_groups(desk: Desk) -> None:
    groups = {each["group"]: each for each in desk.json("groups", "list")["groups"]}
    assert set(groups) == {"stream_writer", "transformer", "maintainer", "alerter"}
    for group in groups.values():
        assert (group["state"], group["members"]) == ("Stable", 1)
    described = desk.json("groups", "describe", "stream_writer")
    assert len(described["members"]) == 1
    landing = {topic for spec in TABLES.values() for topic in spec.topics}
    assert {each["topic"] for each in described["partitions"]} == landing
    orders = [each for each in described["partitions"] if each["topic"] == "shopify.orders"]
    for each in orders:
        assert each["table"] == ORDERS
        assert each["recorded"] == each["log_end"]
        assert each["recorded_lag"] == 0
        assert not each["positions_lost"]
    assert desk.run("groups", "describe", "nobody").returncode == 4


def test_tables_list_and_history(desk: Desk) -> None:
    tables = {each["table"]: each for each in desk.json("tables", "list")["tables"]}
    assert list(tables) == list(TABLES)
    orders = tables[ORDERS]
    assert orders["positions"] == "found"
    assert orders["writer"] == "stream_writer"
    history = desk.json("tables", "history", ORDERS, "--limit", "1")
    [head] = history["snapshots"]
    assert (head["standing"], head["total_rows"]) == ("head", orders["rows"])
    assert head["snapshot_id"] == orders["snapshot_id"] == history["snapshot_id"]
    assert head["offsets_moved"]
    assert head["refs"] == ["main"]
    assert not head["foreign"]
    assert desk.run("tables", "history", "raw.shopify_ordres").returncode == 4


def test_tables_files(desk: Desk) -> None:
    files = desk.json("tables", "files", ORDERS)
    summary = files["summary"]
    assert summary["files"] == len(files["files"]) == sum(summary["size_classes"].values())
    assert summary["rows"] == sum(each["rows"] for each in files["files"])
    today = {f"_loaded_at_day={datetime.now(UTC).date().isoformat()}"}
    assert {each["partition"] for each in files["files"]} == today
    assert (summary["skew"]["partitions"], summary["skew"]["ratio"]) == (1, 1.0)


def test_counts_balance(desk: Desk) -> None:
    result = desk.json("counts")
    assert result["balanced"]
    partitions = [each for table in result["tables"] for each in table["partitions"]]
    assert sum(each["counted"]["rows"] for each in partitions) == len(desk.posted)
    for each in partitions:
        [stretch] = each["stretches"]
        assert stretch["next"] - stretch["first"] == stretch["rows"] + stretch["gaps"]
        assert each["next"] == each["log_end"]


def test_query_prints_a_table_json_or_csv(desk: Desk) -> None:
    sql = f"select _event_type, count(*) as n from {ORDERS} group by 1 order by 1"
    result = desk.json("query", sql)
    assert result["columns"] == ["_event_type", "n"]
    posted = [each.event_type for each in desk.posted if each.topic == "shopify.orders"]
    assert result["rows"] == [[kind, posted.count(kind)] for kind in sorted(set(posted))]
    assert not result["truncated"]
    head = desk.json("tables", "history", ORDERS, "--limit", "1")["snapshot_id"]
    assert result["snapshots"] == {ORDERS: head}
    as_csv = desk.run("query", sql, "--csv").stdout.splitlines()
    assert as_csv == ["_event_type,n", *(f"{kind},{n}" for kind, n in result["rows"])]
    assert "_event_type" in desk.run("query", sql).stdout
    cut = desk.json("query", f"select _offset from {ORDERS}", "--limit", "2")
    assert (len(cut["rows"]), cut["truncated"]) == (2, True)


def test_query_of_an_earlier_version(desk: Desk) -> None:
    snapshots = desk.json("tables", "history", ORDERS, "--limit", "1000")["snapshots"]
    first = snapshots[-1]
    sql = f"select count(*) from {ORDERS}"
    pinned = desk.json("query", sql, "--snapshot", f"{ORDERS}={first['snapshot_id']}")
    assert pinned["rows"] == [[first["total_rows"]]]
    dated = desk.json("query", sql, "--as-of", first["committed_at"])
    assert dated["snapshots"] == pinned["snapshots"]
    assert desk.run("query", sql, "--as-of", "2001-01-01").returncode == 4
    assert desk.run("query", sql, "--as-of", "yesterday").returncode == 2
    assert desk.run("query", f"drop table {ORDERS}").returncode == 5


def test_trace_finds_an_event_by_either_id(desk: Desk) -> None:
    delivery = next(each for each in desk.posted if each.topic == "shopify.orders")
    found = desk.json("trace", delivery.event_id)
    assert found["landed"]
    assert found["complete"]
    one = found["deliveries"][0]
    assert (one["topic"], one["on_topic"]) == ("shopify.orders", True)
    assert one["row"]["table"] == ORDERS
    assert one["row"]["snapshot"]["exact"]
    history = desk.json("tables", "history", ORDERS, "--limit", "1000")["snapshots"]
    snapshot = {each["snapshot_id"]: each for each in history}[
        one["row"]["snapshot"]["snapshot_id"]
    ]
    moved = {(m["topic"], m["partition"]): m for m in snapshot["offsets_moved"]}
    move = moved["shopify.orders", one["partition"]]
    assert (move["from"] or 0) <= one["offset"] < move["to"]
    parts = [one["latency_ms"][hop] for hop in ("to_broker", "to_prepared", "to_committed")]
    assert sum(parts) == pytest.approx(one["latency_ms"]["end_to_end"])
    again = desk.json("trace", one["delivery_id"])
    assert [each["offset"] for each in again["deliveries"]] == [one["offset"]]


def test_trace_shows_every_delivery_of_an_event(desk: Desk) -> None:
    ids = [each.event_id for each in desk.posted]
    event_id = max(ids, key=ids.count)
    assert ids.count(event_id) > 1, "the plan redelivers"
    assert len(desk.json("trace", event_id)["deliveries"]) == ids.count(event_id)


def test_trace_of_what_does_not_exist_says_what_was_searched(desk: Desk) -> None:
    error = desk.json("trace", "evt_nowhere", code=4)["error"]
    assert error["kind"] == "NotFound"
    assert all(name in error["what"] for name in LANDING)


def test_a_record_that_has_not_landed_is_traced_on_its_topic(desk: Desk) -> None:
    desk.platform.pause("stream_writer")
    try:
        [delivery] = desk.post(1)
        found = desk.json("trace", delivery.event_id)
        assert not found["landed"]
        waiting = [each for each in found["deliveries"] if each["row"] is None]
        assert [each["topic"] for each in waiting] == [delivery.topic]
        assert waiting[0]["table_next"] <= waiting[0]["offset"]
        assert "not landed yet" in desk.run("trace", delivery.event_id).stdout
    finally:
        desk.platform.resume("stream_writer")
    desk.wait_landed()
    assert desk.json("trace", delivery.event_id)["landed"]


def test_offsets_show(desk: Desk) -> None:
    shown = desk.json("offsets", "show", ORDERS)
    assert (shown["positions"], shown["settled"]) == ("found", True)
    for each in shown["partitions"]:
        assert (each["recorded"], each["lag"]) == (each["log_end"], 0)
        assert each["tail"]["offset"] == each["recorded"] - 1
        assert "still the one in the log" in each["verdict"]


def test_adopting_needs_a_confirmation_a_reason_and_an_offset_in_the_log(desk: Desk) -> None:
    adopt = ["offsets", "adopt", ORDERS, "--partition", "0", "--reason", "a test"]
    before = desk.json("offsets", "show", ORDERS)["snapshot_id"]
    end = desk.json("offsets", "show", ORDERS)["partitions"][0]["log_end"]
    assert desk.run(*adopt, "--from", str(end)).returncode == 5
    assert desk.run(*adopt, "--from", str(end + 1), "--yes").returncode == 5
    assert desk.run(*adopt[:-1], " ", "--from", str(end), "--yes").returncode == 5
    assert desk.run(*adopt[:-2], "--from", str(end), "--yes").returncode == 2
    assert desk.json("offsets", "show", ORDERS)["snapshot_id"] == before


MART = "marts.sales_dashboard_daily"
DERIVED = [spec.name for spec in derived_tables()]
built_in_time = pytest.mark.timeout(400)
"""Ray takes its time to start on a busy machine."""


@pytest.fixture(scope="module")
def built(desk: Desk) -> Desk:
    """Every derived table holds everything that has landed."""
    complete(desk.platform)

    def up_to_date() -> bool:
        shown = desk.json("freshness")["tables"]
        derived = [each for each in shown if each["table"] in DERIVED]
        return all(each["built"] and each["behind_log"] == 0 for each in derived)

    until(up_to_date, "derived tables did not catch up")
    return desk


def test_lineage_leads_from_topics_to_marts(desk: Desk) -> None:
    shown = desk.json("lineage", MART, "--upstream")
    names = [each["table"] for each in shown["tables"]]
    assert names[-1] == MART
    assert {"raw.shopify_orders", "core.orders"} < set(names)
    assert {"from": "shopify.orders", "to": "raw.shopify_orders"} in shown["edges"]
    assert desk.run("lineage", "--format", "mermaid").stdout.startswith("flowchart LR")
    assert desk.run("lineage", "--upstream").returncode == 2
    assert desk.run("lineage", "marts.nothing").returncode == 4


@built_in_time
def test_freshness_of_a_platform_at_rest_is_nothing_behind(built: Desk) -> None:
    shown = {each["table"]: each for each in built.json("freshness")["tables"]}
    assert set(shown) == set(TABLES)
    orders = sum(each.topic == "shopify.orders" for each in built.posted)
    assert sum(each["complete"] for each in shown[MART]["partitions"]) == orders
    assert shown[MART]["oldest_missing"] is None
    assert shown[MART]["committed_at"] >= shown["core.orders"]["committed_at"]


@built_in_time
def test_plan_says_that_nothing_is_to_be_built(built: Desk) -> None:
    def settled() -> bool:
        planned = built.json("plan")["tables"]
        assert [each["target"] for each in planned] == sorted(DERIVED, key=_build_order)
        return {each["mode"] for each in planned} == {"nothing"}

    until(settled, "something is still to be built")
    [one] = built.json("plan", MART)["tables"]
    assert set(one["sources"]) == {"metadata.sales_daily"}
    assert built.run("plan", ORDERS).returncode == 4
    nobody = {**built.environment, "BERGLINE_TRANSFORMER_PORT": "1"}
    ended = bergline(["plan", "-o", "json"], nobody)
    assert ended.returncode == 3
    assert "BERGLINE_TRANSFORMER_PORT" in json.loads(ended.stdout)["error"]["next_step"]


def _build_order(name: str) -> int:
    return in_order(TABLES).index(name)


@built_in_time
def test_tables_show_and_history_of_a_derived_table(built: Desk) -> None:
    shown = built.json("tables", "show", "core.orders")
    assert (shown["kind"], shown["key"], shown["positions"]) == ("group", ["order_id"], "found")
    [source] = shown["sources"]
    assert (source["table"], source["behind"]) == ("staging.stg_shopify_orders", 0)
    assert shown["transform"]
    assert {each["topic"] for each in shown["complete"]} == {"shopify.orders"}
    history = built.json("tables", "history", "core.orders")["snapshots"]
    assert history[0]["writer"] == "transformer"
    assert history[0]["total_rows"] == shown["rows"]
    assert history[-1]["offsets_moved"]
    landing = built.json("tables", "show", ORDERS)
    assert (landing["kind"], landing["sources"]) == ("landing", [])


@built_in_time
def test_an_event_is_traced_down_to_the_mart(built: Desk) -> None:
    kept = 0
    orders = [each for each in built.posted if each.topic == "shopify.orders"]
    for delivery in orders[:2]:
        found = built.json("trace", delivery.event_id)["deliveries"][0]
        hops = {hop["table"]: hop for hop in found["derived"]}
        assert set(hops) == set(DERIVED) - {
            "staging.stg_shopify_customers",
            "staging.stg_shopify_customers_rejected",
        }
        row = json.loads(delivery.body)
        assert hops["staging.stg_shopify_orders"]["sought"] == [{"order_id": str(row["id"])}]
        for hop in hops.values():
            assert hop["snapshot"]["committed_at"] >= found["row"]["snapshot"]["committed_at"]
            assert hop["complete"] > found["offset"]
        last = max(hop["snapshot"]["committed_at"] for hop in hops.values())
        span = datetime.fromisoformat(last) - datetime.fromisoformat(found["received_at"])
        assert found["latency_ms"]["through"] == pytest.approx(span.total_seconds() * 1000)
        [staged] = hops["staging.stg_shopify_orders"]["rows"]
        assert staged["won"] == (staged["event_id"] == delivery.event_id)
        if hops["core.orders"]["rows"]:  # neither a test nor deleted
            kept += 1
            [mart] = hops[MART]["rows"]
            assert mart["key"]["currency"] == row["currency"]
    assert kept, "no order that counts was traced"


@built_in_time
def test_runs_are_waves_with_their_builds(built: Desk) -> None:
    listed = built.json("runs", "list", "--since", "1h", "--limit", "1000")
    waves = [each for each in listed["waves"] if each["wave"].startswith(f"{ORDERS}/")]
    assert waves
    assert {each["outcome"] for each in waves} == {"done"}
    wave = waves[-1]
    assert set(wave["targets"]) <= set(DERIVED)
    shown = built.json("runs", "show", wave["wave"])
    assert shown["builds"] == wave["builds"]
    assert max(shown["held"].values()) == shown["ended_at"]
    assert MART in shown["held"]
    logs = built.json("runs", "logs", wave["wave"])["events"]
    assert {each["build_id"] for each in logs} == {each["build_id"] for each in wave["builds"]}
    assert built.run("runs", "show", f"{ORDERS}/999999").returncode == 4
    assert built.run("runs", "list", "--since", "yesterday").returncode == 2


@built_in_time
def test_a_refresh_is_waited_for_and_changes_no_row(built: Desk) -> None:
    before = built.json("tables", "show", MART)
    result = built.json("refresh", "marts", "--reason", "a test", "--wait", "--timeout", "200")
    assert (result["built"], result["failed"], result["waiting"]) == ([MART], [], [])
    [build] = result["builds"]
    assert build["mode"] == "full"
    after = built.json("tables", "show", MART)
    assert after["rows"] == before["rows"]
    wave = f"refresh/{result['sent']['command_id']}"
    shown = built.json("runs", "show", wave)
    assert (shown["outcome"], shown["targets"]) == ("done", [MART])
    assert result["sent"]["arguments"] == {"reason": "a test"}
    assert built.run("refresh", ORDERS).returncode == 4


@built_in_time
def test_built_tables_verify(built: Desk) -> None:
    result = built.json("verify", "all", "--sample", "20", "--seed", "3")
    assert [
        f"{each['table']}: {finding['what']}"
        for each in result["tables"]
        for check in each["checks"]
        for finding in check["findings"]
    ] == []
    assert {each["verdict"] for each in result["tables"]} == {"ok"}
    rows = {
        each["table"]: check["looked_at"]
        for each in result["tables"]
        for check in each["checks"]
        if check["check"] == "rows"
    }
    assert set(rows) == set(DERIVED)


def test_positions_that_are_lost_are_settled_for_all_partitions_at_once(desk: Desk) -> None:
    """Another engine wrote the first snapshot: nothing says what the table has consumed."""
    spec = TABLES[UNTOUCHED]
    row = {
        "_topic": "shopify.products",
        "_partition": 0,
        "_offset": 0,
        "_loaded_at": datetime.now(UTC),
        "_replayed": False,
    }
    table = LakeReader(desk.platform.settings).table(UNTOUCHED)
    table.append(pa.Table.from_pylist([row], schema=arrow_schema(spec)))

    lost = desk.json("offsets", "show", UNTOUCHED)
    assert (lost["positions"], lost["settled"]) == ("lost", False)
    assert all("PositionsLost" in each["verdict"] for each in lost["partitions"])
    listed = {each["table"]: each for each in desk.json("tables", "list")["tables"]}
    assert listed[UNTOUCHED]["positions"] == "lost"

    adopt = ["offsets", "adopt", UNTOUCHED, "--reason", "begin at the start", "--yes"]
    refused = desk.json(*adopt, "--from", "0=0", code=5)
    assert "shopify.products/1, shopify.products/2" in refused["error"]["what"]
    written = desk.json(*adopt, "--from", "0=0", "--from", "1=0", "--from", "2=0")
    settled = desk.json("offsets", "show", UNTOUCHED)
    assert (settled["positions"], settled["snapshot_id"]) == ("found", written["snapshot_id"])
    assert settled["settled"]
    [stretch] = settled["partitions"][2]["stretches"]
    assert stretch["reason"].endswith("begin at the start")

    unbalanced = desk.json("counts", UNTOUCHED, code=6)
    assert not unbalanced["balanced"]
    findings = unbalanced["tables"][0]["partitions"][0]["findings"]
    assert findings == ["the ledger states 0 rows, the data files hold 1"]
    told = desk.run("counts", UNTOUCHED)
    assert told.returncode == 6
    assert f"not balanced: {UNTOUCHED}" in told.stderr


def test_without_broker_or_catalog_commands_end_with_3(desk: Desk) -> None:
    for variable, arguments in (
        ("BERGLINE_BROKERS", ["topics", "list"]),
        ("BERGLINE_BROKERS", ["groups", "list"]),
        ("BERGLINE_CATALOG_URI", ["tables", "list"]),
        ("BERGLINE_CATALOG_URI", ["query", f"select 1 from {ORDERS}"]),
    ):
        nowhere = "127.0.0.1:1" if variable == "BERGLINE_BROKERS" else "http://127.0.0.1:1"
        ended = bergline([*arguments, "-o", "json"], {**desk.environment, variable: nowhere})
        assert ended.returncode == 3, ended.stdout + ended.stderr
        assert json.loads(ended.stdout)["error"]["kind"] == "Unavailable"
