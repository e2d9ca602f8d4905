"""``bergline demo`` as its user sees it: one command, a report, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.demo import exports
from deploy.demo.incident import DELIVERIES, EXPECTED
from deploy.demo.ledger import WEBHOOK_TABLES
from deploy.demo.run import REPORT_FILE
from deploy.embedded import processes
from deploy.generator.mix import DEMONSTRATED, DEMONSTRATED_RATES
from deploy.generator.plan import plan
from shared.tables.registry import derived_tables

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LIMIT_SECONDS = 200.0


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("BERGLINE_")}
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("bergline")), "demo", "--ports", "auto", *options],
        cwd=home,
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(demo: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = demo.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        demo.send_signal(signal.SIGTERM)  # it stops its platform before it ends
        out, err = demo.communicate()
        pytest.fail(f"no end after {LIMIT_SECONDS:g} s\n{out}\n{err}")
    return demo.returncode, out, err


def steps(lines: str | Sequence[str]) -> list[dict[str, Any]]:
    wanted = lines.splitlines() if isinstance(lines, str) else lines
    return [json.loads(line) for line in wanted if line.startswith("{")]


def test_every_event_of_every_source_is_a_row_and_orders_are_in_the_mart(
    tmp_path: Path,
) -> None:
    code, out, err = finish(start(tmp_path, "--output", "json"))

    assert code == 0, err
    report = json.loads((tmp_path / ".bergline" / REPORT_FILE).read_text())
    assert json.loads(out) == report
    assert report["ok"] is True
    assert report["deliveries"] == 920
    ledger = report["ledger"]
    posted = plan(42, topics=DEMONSTRATED, rates=DEMONSTRATED_RATES)
    events = sum(delivery.events for delivery in posted if delivery.accepted)
    assert ledger["events"] == ledger["raw"] == ledger["offsets"] == events > 1_500
    assert ledger["lost"] == ledger["duplicated"] == 0
    kept = sum(len(delivery.dead_letters) for delivery in posted)
    assert report["dead_letters"] == {"expected": kept, "kept": kept, "unasked": 0}
    assert set(report["tables"]) == {*WEBHOOK_TABLES, exports.TABLE}
    for name, each in report["tables"].items():
        assert each["rows"] == each["events"] > 0
        assert each["offsets"] == (exports.ANNOUNCED if name == exports.TABLE else each["events"])
        assert each["lost"] == each["doubled"] == each["unasked"] == 0
    fresh = report["freshness_s"]["raw"]
    assert 0 < fresh["p50"] <= fresh["p99"] < LIMIT_SECONDS
    mart = report["freshness_s"]["mart"]
    assert 0 < mart["p50"] <= mart["p99"] <= mart["max"] < LIMIT_SECONDS
    assert report["freshness_upper_bound"] == [], "nothing is thinned that soon"
    assert report["marts"]["equal"] is True
    rows = {name: each["rows"] for name, each in report["marts"]["tables"].items()}
    assert set(rows) == {spec.name for spec in derived_tables()}
    assert report["marts"]["orders"] == rows["core.orders"] > 0
    incident = report["incident"]
    assert set(incident["fired_s"]) == set(incident["resolved_s"]) == set(EXPECTED)
    assert incident["accepted"] == incident["posted"] == DELIVERIES
    assert incident["rows"] == incident["events"] > ledger["raw"]
    assert incident["lost"] == incident["doubled"] == 0
    assert incident["derived_equal"] is True
    assert report["seconds"].keys() >= {"settle", "workers", "build", "compare"}
    assert report["trace"]["snapshot_id"]
    assert [step["step"] for step in steps(err)][-1] == "stopping the platform"
    assert not Path(report["data_dir"]).exists(), "a demonstration that went well tidies up"


def test_an_interrupted_demonstration_stops_its_platform(tmp_path: Path) -> None:
    demo = start(tmp_path, "--rate", "1")
    assert demo.stderr is not None
    for line in demo.stderr:
        if json.loads(line)["step"] == "posting":
            break
    [state_file] = (tmp_path / ".bergline" / "demo").glob("*/supervisor.json")
    platform = json.loads(state_file.read_text())

    demo.send_signal(signal.SIGTERM)
    code, _, err = finish(demo)

    assert code == 130, err
    members = [(platform["supervisor_pid"], platform["supervisor_created"])]
    members += [(each["pid"], each["created"]) for each in platform["processes"] if each["pid"]]
    assert len(members) >= 5
    assert not [pid for pid, created in members if processes.alive(pid, created)]


def test_a_plan_that_is_too_small_is_refused_before_anything_starts(tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path, "--deliveries", "5"))

    assert code == 2
    assert "at least 60" in err
    assert not (tmp_path / ".bergline").exists()
