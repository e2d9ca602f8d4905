"""What ``bergline quality`` tells, and how it ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.cli import quality
from shared.lake.entity_quality import report
from shared.lake.entity_quality.figures import Duplicate, Figures, SourceFigures

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
STAGED = SourceFigures("shopify_customers", True, 10, 10, 10)
UNSTAGED = SourceFigures("hubspot_contacts", staged=False)
TWICE = Duplicate("shopify_customers", "7", 2, ("U-1", "U-2"))
FINE = Figures(10, 10, 0, (STAGED, UNSTAGED), cardinality={1: 10}, match_types={"new_entity": 10})
BROKEN = Figures(11, 11, 0, (STAGED, UNSTAGED), 1, (TWICE,), {1: 11}, {"new_entity": 11})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr("shared.lake.reader.LakeReader", lambda _: None)
    return CliRunner()


def answers(monkeypatch: pytest.MonkeyPatch, found: Figures) -> None:
    def check(_: object, *, quick: bool) -> report.Report:
        return report.Report(found, AT, quick=quick)

    monkeypatch.setattr(report, "check_entities", check)


def test_a_healthy_index_ends_with_0(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, FINE)

    ended = run.invoke(quality.app, [])

    assert ended.exit_code == 0
    assert "healthy" in ended.stdout
    assert "not staged yet" in ended.stdout


def test_a_critical_one_ends_with_2_and_says_why(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, BROKEN)
    file = tmp_path / "report.json"

    ended = run.invoke(quality.app, ["--output", "json", "--report", str(file)])

    assert ended.exit_code == 2
    told = json.loads(ended.stdout)
    assert told == json.loads(file.read_text())
    assert (told["status"], told["timestamp"]) == ("critical", AT.isoformat())
    assert told["issues"][0]["samples"][0]["unified_ids"] == ["U-1", "U-2"]
    assert [each["staged"] for each in told["source_stats"]] == [True, False]


def test_a_report_that_cannot_be_written_is_no_verdict(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, FINE)

    ended = run.invoke(quality.app, ["--report", str(tmp_path)])

    assert ended.exit_code != 0
    assert "cannot be written" in str(ended.exception)
