"""Rules that are wrong leave those before in force, and it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.alerter.rules.ruleset import route_file, rule_files
from shared.contracts.errors import ConfigurationError
from tests.unit.alerter.example_rules import LAGGING, rules_file


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    return tmp_path


def write(project: Path, text: str, name: str = "ours.yaml") -> None:
    (project / "rules" / name).write_text(text)


def test_rules_of_a_project_come_beside_those_of_the_platform(project: Path) -> None:
    files = rule_files(project, 1.0)
    assert files.look()
    ours = len(files.value)
    write(project, rules_file(LAGGING))
    assert files.look()
    assert len(files.value) == ours + 1
    assert files.value["Lagging"].place.file == "rules/ours.yaml"
    assert not files.look(), "nothing has changed since"


def test_a_file_that_is_wrong_changes_nothing_until_it_is_right(project: Path) -> None:
    write(project, rules_file(LAGGING))
    files = rule_files(project, 1.0)
    files.look()
    before = files.value
    write(project, rules_file(LAGGING.replace("above", "abvoe")))
    assert not files.look()
    assert files.value == before
    assert files.broken is not None
    assert "rules/ours.yaml:" in files.broken
    assert not files.look(), "it is told once"

    write(project, rules_file(LAGGING.replace("100", "200")))
    assert files.look()
    assert files.broken is None
    assert files.value["Lagging"] != before["Lagging"]


def test_a_file_that_is_wrong_takes_no_other_file_s_rules_out_of_force(project: Path) -> None:
    write(project, rules_file(LAGGING))
    files = rule_files(project, 1.0)
    files.look()
    write(project, "groups: {", "theirs.yaml")
    assert not files.look()
    assert "Lagging" in files.value


def test_at_the_start_the_rules_of_the_platform_stand_in(project: Path) -> None:
    write(project, "groups: {")
    files = rule_files(project, 1.0)
    assert not files.look()
    assert files.broken is not None
    assert {"RedpandaDown", "AlerterAlive"} <= set(files.value)


def test_a_file_that_cannot_be_read_is_wrong(project: Path) -> None:
    (project / "rules" / "directory.yaml").mkdir()
    files = rule_files(project, 1.0)
    assert not files.look()
    assert files.broken is not None
    assert "IsADirectoryError" in files.broken


def test_a_file_that_went_takes_its_rules_along(project: Path) -> None:
    write(project, rules_file(LAGGING))
    files = rule_files(project, 1.0)
    files.look()
    (project / "rules" / "ours.yaml").unlink()
    assert files.look()
    assert "Lagging" not in files.value


def test_all_times_are_scaled() -> None:
    files = rule_files(None, 0.5)
    files.look()
    assert files.value["RedpandaDown"].for_s == 30.0
    assert files.value["RedpandaDown"].interval_s == 15.0


def test_whatever_goes_wrong_with_a_file_changes_nothing_and_shows_no_secret(
    project: Path,
) -> None:
    (project / "alerting.yaml").write_text(
        'receivers: [{name: a, type: webhook, url_from: "file:/a\\0b"}]\nroute: {receiver: a}\n'
    )
    files = route_file(project, 1.0)
    assert not files.look()
    assert files.broken == "cannot be read: ValueError"


def test_what_cannot_be_put_in_force_is_told_once(project: Path) -> None:
    routes = project / "alerting.yaml"
    text = "receivers: [{name: a, type: webhook, url: http://a}]\nroute: {receiver: a}\n"
    routes.write_text(text)
    files = route_file(project, 1.0)
    with capture_logs() as lines:
        for _ in range(3):
            if files.look():
                files.refused(ConfigurationError("receivers do not fit"))
        assert files.broken is not None
    assert [line["log_level"] for line in lines] == ["error"]

    routes.write_text(text.replace("http://a", "http://b"))
    assert files.look()
    assert files.broken is None
