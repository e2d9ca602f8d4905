"""What ``bergline quality`` tells, and how it ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.cli import quality
from shared.cli.maintaining import How
from shared.contracts.commands import CommandIssued
from shared.contracts.entity_quality import EntityQuality
from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from shared.lake.entity_quality import report
from shared.lake.entity_quality.figures import Duplicate, Figures, SourceFigures
from shared.lake.entity_quality.sources import INDEX
from shared.runtime.errors import BerglineError
from shared.runtime.maintaining import Maintaining, Told

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
STAGED = SourceFigures("shopify_customers", True, 10, 10, 10)
UNSTAGED = SourceFigures("hubspot_contacts", staged=False)
TWICE = Duplicate("shopify_customers", "7", 2, ("U-1", "U-2"))
FINE = Figures(10, 10, 0, (STAGED, UNSTAGED), cardinality={1: 10}, match_types={"new_entity": 10})
BROKEN = Figures(11, 11, 0, (STAGED, UNSTAGED), 1, (TWICE,), {1: 11}, {"new_entity": 11})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr("shared.lake.reader.LakeReader", lambda _: None)
    monkeypatch.delenv("BERGLINE_OUTPUT", raising=False)
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


def told_by_maintainer(found: EntityQuality | None, reason: str = "") -> MaintenanceSucceeded:
    return MaintenanceSucceeded(
        job_id="j",
        job="quality",
        table=INDEX,
        status="skipped" if found is None else "succeeded",
        reason=reason,
        cause="command",
        command_id="c",
        seconds=1,
        quality=found,
        succeeded_at=AT,
    )


FAILED = MaintenanceFailed(
    job_id="j",
    job="quality",
    table=INDEX,
    cause="command",
    command_id="c",
    attempt=3,
    error_type="Unavailable",
    error="the object store does not answer",
    seconds=1,
    will_retry=False,
    failed_at=AT,
)


def maintainer(monkeypatch: pytest.MonkeyPatch, answer: Told | None) -> list[tuple[Any, ...]]:
    """What maintainer makes of the command; what was sent."""
    sent: list[tuple[Any, ...]] = []

    async def send(
        action: str, target: str, names: Any, jobs: Any, arguments: Any, how: How
    ) -> tuple[CommandIssued, Maintaining | None]:
        sent.append((action, target, names, jobs, arguments.reason))
        command = CommandIssued(
            command_id="c",
            service="maintainer",
            action="quality",
            target=target,
            actor="ada@example.com",
            issued_at=AT,
        )
        followed = Maintaining("c", names, jobs)
        if answer is not None:
            assert followed.take(answer) is answer
        return command, followed if how.wait else None

    monkeypatch.setattr(quality, "send", send)
    return sent


def code(ended: Any) -> int:
    """The exit code of the process: errors of ours are turned into theirs by the desk."""
    error = ended.exception
    return error.exit_code if isinstance(error, BerglineError) else int(ended.exit_code)


def test_a_check_by_maintainer_tells_and_ends_as_one_from_here(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = report.Report(BROKEN, AT, quick=False).told()
    sent = maintainer(monkeypatch, told_by_maintainer(found))
    file = tmp_path / "report.json"

    arguments = ["--wait", "--reason", "a call", "--report", str(file), "--output", "json"]
    ended = run.invoke(quality.app, arguments)

    assert code(ended) == 2
    assert sent == [("quality", INDEX, (INDEX,), ("quality",), "a call")]
    assert json.loads(ended.stdout) == json.loads(file.read_text())
    assert EntityQuality.model_validate_json(ended.stdout) == found
    answers(monkeypatch, BROKEN)
    assert run.invoke(quality.app, []).stdout == run.invoke(quality.app, ["--wait"]).stdout


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (told_by_maintainer(None, "there is no index; not staged yet: x"), 4, "not staged yet: x"),
        (FAILED, 6, "the object store does not answer"),
        (None, 3, "not ended within"),
    ],
    ids=["no index", "failed", "no answer"],
)
def test_what_was_not_checked_is_no_verdict(
    run: CliRunner,
    monkeypatch: pytest.MonkeyPatch,
    answer: Told | None,
    expected: int,
    says: str,
) -> None:
    maintainer(monkeypatch, answer)

    ended = run.invoke(quality.app, ["--wait"])

    assert code(ended) == expected
    assert says in str(ended.exception)
    assert code(run.invoke(quality.app, ["--wait", "--output", "json"])) == expected


def test_a_check_may_be_sent_alone(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = maintainer(monkeypatch, None)

    ended = run.invoke(quality.app, ["--remote"])

    assert code(ended) == 0
    assert len(sent) == 1
    assert "with --wait the command shows how it ended" in " ".join(ended.stdout.split())


@pytest.mark.parametrize("arguments", [["--quick", "--wait"], ["--remote", "--report", "x.json"]])
def test_what_maintainer_cannot_do_is_refused_before_anything_is_sent(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    sent = maintainer(monkeypatch, None)

    assert code(run.invoke(quality.app, arguments)) == 2
    assert not sent
