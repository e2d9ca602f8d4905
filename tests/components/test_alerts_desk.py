"""``bergline alerts`` beside an alerter: what it shows is so, and what it asks for is done.

A broker and an alerter, and nothing else: catalog and object store do not answer, so their alerts
fire. The first test waits for them, the others look at what is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS
from shared.runtime import bus
from shared.runtime.settings import Settings
from shared.runtime.topic_bootstrap import bootstrap_topics
from tests.support.alerter import QUICK
from tests.support.broker import BrokerProcess, running
from tests.support.tied import tied
from tests.support.warm_bergline import bergline
from tests.support.worker_ports import free_port

ROOT = Path(__file__).parents[2]
WITHIN_SECONDS = 60.0
KEY = "an operator's key of this test"
pytestmark = pytest.mark.timeout(240)

RULE = """
groups:
  - name: mine
    interval: 30s
    rules:
      - alert: TooManyFiles
        when: {signal: iceberg_table_file_count, above: 10}
        for: 1m
        severity: info
        team: mine
        summary: "{table} has {value} files"
        description: "too many"
        runbook: alerts#compaction
      - alert: Slow
        when: {signal: lakehouse_probe_duration_seconds, above: 1}
        severity: info
        team: mine
        summary: "{target} is slow"
        description: "slow"
        runbook: alerts#catalog-down
"""


class Desk:
    """``bergline`` and the alerter's variables."""

    def __init__(self, broker: BrokerProcess, directory: Path) -> None:
        nobody = free_port()
        self.port = free_port()
        self.directory = directory
        self.variables = {
            **os.environ,
            **QUICK,
            "BERGLINE_BROKERS": broker.bootstrap,
            "BERGLINE_BROKER_ADMIN": broker.admin_url,
            "BERGLINE_CATALOG_URI": f"http://127.0.0.1:{nobody}",
            "BERGLINE_S3_ENDPOINT": f"http://127.0.0.1:{nobody}",
            "BERGLINE_OPERATOR_KEY": KEY,
            "BERGLINE_ALERTER_PORT": str(self.port),
            "BERGLINE_DATA_DIR": str(directory),
            "BERGLINE_PROJECT": str(directory / "project"),
        }
        self.settings = Settings(brokers=broker.bootstrap)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return bergline(["alerts", *arguments], self.variables)

    def json(self, *arguments: str, code: int = 0) -> Any:
        ended = self.run(*arguments, "--output", "json")
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def firing(self, *arguments: str) -> dict[str, Any]:
        """Alerts in the list, by rule."""
        return {each["rule"]: each for each in self.json("list", *arguments)["alerts"]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("alerts")
    for broker in running(directory):
        desk = Desk(broker, directory)
        asyncio.run(bootstrap_topics(desk.settings))
        with (directory / "alerter.log").open("wb") as log:
            alerter = subprocess.Popen(
                tied(sys.executable, "-m", "services.alerter"),
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=desk.variables,
            )
        try:
            yield desk
        finally:
            alerter.terminate()
            alerter.wait(30)


def test_what_fires_is_listed_and_can_fail_a_script(desk: Desk) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not {rule for rule, each in desk.firing().items() if each["state"] == "firing"} >= {
        "IcebergCatalogDown",
        "MinIODown",
    }:
        log = (desk.directory / "alerter.log").read_text()
        assert time.monotonic() < deadline, log[-3000:]
        time.sleep(0.3)
    catalog = desk.firing()["IcebergCatalogDown"]
    assert (catalog["severity"], catalog["team"]) == ("critical", "platform")
    assert catalog["runbook"] == "alerts#catalog-down"
    assert set(desk.firing("--team", "nobody")) == set()
    assert "AlerterAlive" not in desk.firing()
    assert desk.firing("--all")["AlerterAlive"]["state"] == "firing"
    assert "no alerter runs" not in desk.json("list")["note"]
    assert desk.json("list", "--fail-on", "critical", code=6)["firing"] >= 2
    text = desk.run("list", "--fail-on", "critical")
    assert text.returncode == 6
    assert "alerts#catalog-down" in text.stdout
    assert "firing: " in text.stderr


def test_history_tells_what_it_was_before_and_for_how_long(desk: Desk) -> None:
    changes = desk.json("history", "IcebergCatalogDown")["changes"]
    assert [each["state"] for each in changes][:2] == ["pending", "firing"]
    assert changes[1]["previous_seconds"] > 0
    by_alert = desk.json("history", changes[0]["fingerprint"][:8])["changes"]
    assert {each["fingerprint"] for each in by_alert} == {changes[0]["fingerprint"]}
    assert desk.run("history", "NoSuchRule").returncode == 4


def test_explain_shows_the_value_beside_its_bound_and_what_to_do(desk: Desk) -> None:
    found = desk.json("explain", "IcebergCatalogDown")
    assert found["not_known"] == []
    assert found["condition"] == "lakehouse_probe_up where target is catalog is 0"
    [part] = found["compared"]
    assert part["series"] == [
        {"labels": {"target": "catalog"}, "value": 0.0, "bound": 0.0, "holds": True}
    ]
    assert found["verdict"].startswith("firing for")
    assert (found["evaluated"], found["error"]) == ("here", None)
    assert "in force it fires after 0.24s" in desk.run("explain", "IcebergCatalogDown").stdout
    assert "bergline restart storage" in found["runbook"]["text"]
    broker = desk.json("explain", "RedpandaDown")
    assert broker["verdict"] == "does not hold: closest is target=broker at 1, bound 0"
    absent = desk.json("explain", "DuplicateEntityMappings")
    assert absent["verdict"] == "does not hold: there is no series of what it asks about"
    assert "MinIODown" in desk.run("explain", "MiniODown").stderr


def test_an_acknowledgement_names_who_works_on_it(desk: Desk) -> None:
    taken = desk.json("ack", "MinIODown", "--comment", "on my way", "--wait")
    assert taken["taken"] is True
    store = desk.firing()["MinIODown"]
    assert store["acknowledged_by"]["comment"] == "on my way"
    assert taken["alerts"] == [store["fingerprint"]]
    assert desk.run("ack", "RedpandaDown").returncode == 4


def test_a_silence_is_taken_shown_and_ended(desk: Desk) -> None:
    begun = desk.json(
        *("silence", "IcebergCatalogDown", "team=~plat.*"),
        *("--for", "2h", "--comment", "the store is moved", "--wait"),
    )
    assert begun["taken"] is True
    assert len(begun["matches_now"]) == 1
    [silence] = desk.json("silence", "--list")["silences"]
    assert silence["silence_id"] == begun["silence"]
    assert silence["matches_now"] == begun["matches_now"]
    silenced = desk.firing()["IcebergCatalogDown"]
    assert [each["comment"] for each in silenced["silenced_by"]] == ["the store is moved"]
    assert desk.json("list", "--fail-on", "critical", code=6)["silenced"] == 1
    assert "IcebergCatalogDown" not in desk.run("list", "--fail-on", "critical").stderr
    desk.json("silence", "--expire", begun["silence"][:13], "--wait")
    assert desk.json("silence", "--list")["silences"] == []
    assert desk.run("silence", "table=raw.x").returncode == 2
    assert desk.run("silence", "--list", "--expire", "0").returncode == 2


def commit(number: int, at: datetime, files: int) -> TableCommitted:
    return TableCommitted(
        table="raw.shopify_orders",
        uuid="01a2",
        snapshot_id=number,
        parent_snapshot_id=None,
        sequence_number=number,
        operation="append",
        committed_at=at,
        total_files=files,
    )


def test_a_rule_is_replayed_on_what_the_topics_have(desk: Desk, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    files = ((179, 3), (120, 12), (90, 20), (30, 4))
    history = [
        commit(number, now - timedelta(minutes=before), total)
        for number, (before, total) in enumerate(files, start=1)
    ]

    async def publish() -> None:
        producer = bus.producer(desk.settings, "test")
        await producer.start()
        for event in history:
            key, value, headers = event.encode()
            at = int(event.committed_at.timestamp() * 1000)
            await producer.send_and_wait(COMMITS, value, key, headers=headers, timestamp_ms=at)
        await producer.stop()

    asyncio.run(publish())
    file = tmp_path / "mine.yaml"
    file.write_text(RULE)
    found = desk.json("test", str(file), "--on", "last-1h")
    assert found["not_replayable"] == {"Slow": ["lakehouse_probe_duration_seconds"]}
    [alert] = found["alerts"]
    assert (alert["rule"], alert["labels"]["table"]) == ("TooManyFiles", "raw.shopify_orders")
    fired, over = (datetime.fromisoformat(alert[at]) for at in ("fired_at", "over_at"))
    assert alert["began_before"] is True
    assert fired < datetime.fromisoformat(found["since"]), "it was firing when the hour began"
    assert abs(over - history[3].committed_at) < timedelta(seconds=1)
    [alert] = desk.json("test", str(file), "--on", "last-3h")["alerts"]
    fired, over = (datetime.fromisoformat(alert[at]) for at in ("fired_at", "over_at"))
    assert alert["began_before"] is False
    assert timedelta(seconds=60) <= fired - history[1].committed_at < timedelta(seconds=91)
    assert abs(over - history[3].committed_at) < timedelta(seconds=1)
    text = desk.run("test", str(file), "--on", "last-1h").stdout
    assert "TooManyFiles: would have fired 0 times since" in text
    assert "firing by then: 1" in text
    assert "Slow: not replayed" in text


def test_a_file_that_is_wrong_is_told_with_line_and_column(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(RULE.replace("above: 10", "abov: 10"))
    ended = desk.run("test", str(file))
    assert ended.returncode == 2
    assert f"{file}:7:50: " in ended.stderr
    assert desk.run("test", str(tmp_path / "none.yaml")).returncode == 4
