"""Alerts as they are shown and asked for: what comes first, what fails a script, what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.alerter.pages import alerts_page
from shared.alerting.beginning import write_rule
from shared.alerting.board import Board
from shared.alerting.compared import Part, parts
from shared.alerting.expression import Comparison
from shared.alerting.reading import built_in, read
from shared.cli import alert_reading, alerts, asking, check, new
from shared.cli.alert_rules import rule_named
from shared.cli.alerter_signals import stored
from shared.cli.alerts_history import durations, means
from shared.cli.alerts_silence import matchers_of
from shared.cli.rule_words import compared_rows, verdict
from shared.cli.runbook_text import section
from shared.cli.unknown_matchers import unknown
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertNotified,
    AlertSilenced,
    Matcher,
)
from shared.runtime.errors import BerglineError, ConfigurationError, NotFound, Unavailable
from shared.runtime.metrics import SIGNALS

NOW = datetime.now(UTC)
AWAY = Unavailable("the broker does not answer", "look at it")


def alert(
    rule: str, state: str = "firing", severity: str = "warning", **other: Any
) -> AlertChanged:
    given = {
        "fingerprint": blake2b(f"{rule}{other}".encode(), digest_size=8).hexdigest(),
        "transition": 2,
        "state": state,
        "rule": rule,
        "severity": severity,
        "team": "platform",
        "active_at": NOW - timedelta(minutes=5),
        "fired_at": NOW - timedelta(minutes=4),
        "changed_at": NOW - timedelta(minutes=4),
    }
    return AlertChanged.model_validate({**given, **other})


def board(*events: Any) -> Board:
    found = Board()
    for event in events:
        found.take(event.key(), event)
    return found


def silence(rule: str) -> AlertSilenced:
    return AlertSilenced(
        silence_id="s",
        matchers=(Matcher(label="alertname", value=rule),),
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
        actor="ada",
        command_id="c",
        silenced_at=NOW,
    )


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set what stands on the topic, whether an alerter runs, and what it says beside that."""

    def show(found: Board, *, runs: bool = True, **notes: str) -> None:
        async def read_board(_: object) -> Board:
            return found

        async def alerter_runs(_: object) -> bool:
            return runs

        ready = json.dumps({"status": "ready", **notes}).encode()
        monkeypatch.setattr(alert_reading, "read_board", read_board)
        monkeypatch.setattr(alert_reading, "alerter_runs", alerter_runs)
        monkeypatch.setattr(asking, "alerter", {"/readyz": ready}.__getitem__)

    monkeypatch.delenv("BERGLINE_OUTPUT", raising=False)
    return show


def run(*arguments: str) -> Result:
    return CliRunner().invoke(alerts.app, [*arguments], catch_exceptions=True)


def code(ended: Result) -> int:
    error = ended.exception
    return error.exit_code if isinstance(error, BerglineError) else ended.exit_code


def test_the_worst_comes_first_and_signs_of_life_are_left_out(shows: Any) -> None:
    shows(
        board(
            alert("Mild", severity="info"),
            alert("Waiting", "pending", "critical"),
            alert("Bad", severity="critical"),
            alert("Over", "resolved", "critical", resolved_at=NOW),
            alert("AlerterAlive", severity="none"),
        )
    )
    found = json.loads(run("list", "-o", "json").stdout)
    assert [each["rule"] for each in found["alerts"]] == ["Bad", "Waiting", "Mild"]
    assert (found["firing"], found["pending"], found["note"]) == (2, 1, "")
    everything = json.loads(run("list", "--all", "-o", "json").stdout)["alerts"]
    assert [each["rule"] for each in everything][-1] == "Over"
    assert "AlerterAlive" in [each["rule"] for each in everything]
    critical = json.loads(run("list", "--severity", "critical", "-o", "json").stdout)["alerts"]
    assert [each["rule"] for each in critical] == ["Bad", "Waiting"]


@pytest.mark.parametrize(
    ("bound", "events", "expected"),
    [
        (None, [alert("A", severity="critical")], 0),
        ("critical", [alert("A", severity="critical")], 6),
        ("critical", [alert("A")], 0),
        ("warning", [alert("A", severity="critical")], 6),
        ("warning", [alert("A", "pending")], 0),
        ("info", [alert("A", severity="none")], 0),
        ("critical", [alert("A", severity="critical"), silence("A")], 0),
        ("critical", [alert("A", severity="critical"), silence("B")], 6),
    ],
)
def test_a_script_fails_when_it_says_so(
    shows: Any, bound: str | None, events: list[Any], expected: int
) -> None:
    shows(board(*events))
    options = [] if bound is None else ["--fail-on", bound]
    assert code(run("list", *options)) == expected
    assert code(run("list", *options, "-o", "json")) == expected


def test_nothing_is_said_in_words_and_that_nobody_watches_as_well(shows: Any) -> None:
    shows(Board(), runs=False)
    told = run("list").stdout
    assert "nothing is firing" in told
    assert "no alerter runs" in told


def test_what_does_not_work_in_alerter_is_said(shows: Any) -> None:
    shows(Board(), rules_broken="rules with a problem:\nrules/mine.yaml:3:1: not YAML")
    told = run("list").stdout
    assert "rules_broken: rules with a problem: rules/mine.yaml:3:1: not YAML" in told


def test_while_the_broker_is_away_alerter_itself_is_asked(
    shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> Board:
        raise AWAY

    monkeypatch.setattr(alert_reading, "read_board", away)
    down = alert("RedpandaDown", severity="critical")
    late = alert("PipelineStale", severity="critical")
    said = AlertAcknowledged(
        fingerprint=down.fingerprint,
        active_at=down.active_at,
        actor="ada",
        comment="on it",
        command_id="c",
        acknowledged_at=NOW,
    )
    told = AlertNotified.model_validate(
        {
            "receiver": "desk",
            "group": "g",
            "idempotency_key": "k",
            "alerts": {late.fingerprint: {"transition": late.transition, "state": "firing"}},
            "notified_at": NOW,
        }
    )
    whole = board(down, late, said, told, silence("PipelineStale"))
    page = alerts_page(whole, lambda _: True, datetime.now(UTC))
    monkeypatch.setattr(asking, "alerter", lambda _: json.dumps(page).encode())
    found = json.loads(run("list", "-o", "json").stdout)
    [worse, milder] = sorted(found["alerts"], key=lambda each: each["rule"], reverse=True)
    assert worse["acknowledged_by"]["comment"] == "on it"
    assert [each["receiver"] for each in milder["notified"]] == ["desk"]
    assert [each["silence_id"] for each in milder["silenced_by"]] == ["s"]
    assert found["note"].startswith(AWAY.what)
    assert "firing: RedpandaDown" in str(run("list", "--fail-on", "critical").exception)

    def nobody(_: str) -> bytes:
        raise Unavailable("alerter does not answer", "start it")

    monkeypatch.setattr(asking, "alerter", nobody)
    neither = run("list").exception
    assert isinstance(neither, Unavailable)
    assert neither.what == f"{AWAY.what}, and alerter does not answer"


def test_who_works_on_it_is_shown(shows: Any) -> None:
    firing = alert("A")
    said = AlertAcknowledged(
        fingerprint=firing.fingerprint,
        active_at=firing.active_at,
        actor="ada",
        comment="on it [red]",
        command_id="c",
        acknowledged_at=NOW,
    )
    shows(board(firing, said))
    assert "ada: on it [red]" in run("list").stdout


def test_a_word_alone_is_a_rule() -> None:
    first, second = matchers_of(["PipelineStale", "table=~raw.*"])
    assert (first.label, first.op, first.value) == ("alertname", "=", "PipelineStale")
    assert (second.label, second.op, second.value) == ("table", "=~", "raw.*")
    with pytest.raises(ConfigurationError):
        matchers_of(["not a matcher"])


def test_a_matcher_that_nothing_can_match_is_told() -> None:
    typed = ["PipelineStale", "table=raw.x", "severity!=info", "alertname=~Pipe.*"]
    assert unknown(matchers_of(typed)) == []
    assert unknown(matchers_of(["PipelineStall", "tabel=raw.x"])) == [
        "there is no rule 'PipelineStall'",
        "no rule has alerts with a label 'tabel'",
    ]


@pytest.mark.parametrize(
    ("which", "meant"),
    [("PipelineStale", True), ("aabb", True), ("aab", False), ("bb00", False), ("Pipe", False)],
)
def test_an_alert_is_meant_by_its_rule_or_the_beginning_of_its_fingerprint(
    which: str, meant: bool
) -> None:
    assert means(which, alert("PipelineStale", fingerprint="aabb000000000000")) is meant


def test_how_long_a_state_lasted_is_known_where_its_beginning_is() -> None:
    def change(transition: int, state: str, minute: int, **other: Any) -> AlertChanged:
        at = NOW + timedelta(minutes=minute)
        begun = {"transition": transition, "fingerprint": "aa" * 8, "changed_at": at, **other}
        return alert("A", state, **begun)

    pending = change(5, "pending", 0, active_at=NOW, fired_at=None)
    firing = change(6, "firing", 2, active_at=NOW, previous="pending")
    unseen = change(9, "resolved", 9, fired_at=NOW + timedelta(minutes=8), previous="firing")
    lasted = durations([pending, firing, unseen])
    assert lasted == {
        firing.event_id(): timedelta(minutes=2),
        unseen.event_id(): timedelta(minutes=1),
    }


EXPOSITION = """
# HELP lakehouse_consumer_lag_records Lag.
# TYPE lakehouse_consumer_lag_records gauge
lakehouse_consumer_lag_records{group="stream_writer",topic="stripe.charges"} 7.0
# HELP lakehouse_dead_letters_seen_total Letters.
# TYPE lakehouse_dead_letters_seen_total counter
lakehouse_dead_letters_seen_total{topic="stripe.charges"} 3.0
# TYPE lakehouse_partition_halted gauge
# TYPE python_info gauge
python_info{version="3.11"} 1.0
"""


def said(name: str, *active: AlertChanged, found: Board | None = None) -> str:
    for_s = rule_named(name).for_s
    return verdict(for_s, _parts(name), active, NOW, found or board(*active))


def _parts(name: str) -> list[Part]:
    return parts(rule_named(name).condition, stored(EXPOSITION, 0.0), 0.0)


def test_why_a_rule_does_not_fire() -> None:
    assert said("KafkaConsumerLagHigh") == (
        "does not hold: closest is group=stream_writer, topic=stripe.charges at 7, bound 10,000"
    )
    assert said("ConsumptionStopped") == ("does not hold: there is no series of what it asks about")
    assert said("TableNeedsCompaction").startswith(
        "held: lakehouse_table_uncompacted_files is not known"
    )


def test_what_is_pending_or_firing_is_said_with_its_time() -> None:
    labels: dict[str, Any] = {"labels": {"group": "g"}}
    pending = alert("KafkaConsumerLagHigh", "pending", fired_at=None, **labels)
    assert said("KafkaConsumerLagHigh", pending).startswith("pending for 5 min (group=g), fires at")
    firing = alert("KafkaConsumerLagHigh", **labels)
    assert said("KafkaConsumerLagHigh", firing) == "firing for 4 min (group=g)"
    silenced = board(firing, silence("KafkaConsumerLagHigh"))
    assert "silenced by ada" in said("KafkaConsumerLagHigh", firing, found=silenced)


def test_that_nothing_of_a_rule_has_changed_is_no_error(
    shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_changes(*_: object) -> list[AlertChanged]:
        return [alert("Removed")]

    shows(board())
    monkeypatch.setattr(alert_reading, "read_changes", read_changes)
    assert json.loads(run("history", "PipelineFailure", "-o", "json").stdout)["changes"] == []
    assert len(json.loads(run("history", "Removed", "-o", "json").stdout)["changes"]) == 1
    assert isinstance(run("history", "PipelineFailures").exception, NotFound)


def test_a_bound_that_is_a_duration_is_shown_as_one() -> None:
    exposition = 'lakehouse_table_staleness_seconds{layer="core",table="core.orders"} 90\n'
    [part] = parts(rule_named("PipelineStale").condition, stored(exposition, 0.0), 0.0)
    assert isinstance(part.condition, Comparison)
    [row] = compared_rows(part, 10)
    assert row[1:] == ("layer=core, table=core.orders", "1m30s", "6h")


def test_a_bound_that_is_another_signal_is_shown_with_what_it_says() -> None:
    series = '{layer="raw",table="raw.orders"}'
    exposition = (
        f"iceberg_table_snapshot_count{series} 131\nlakehouse_table_snapshot_limit{series} 127.5\n"
    )
    [part] = parts(rule_named("TooManySnapshots").condition, stored(exposition, 0.0), 0.0)
    [row] = compared_rows(part, 10)
    assert row[1:] == ("layer=raw, table=raw.orders", "131", "127.5")
    assert "half as many again as thinning leaves" in SIGNALS["lakehouse_table_snapshot_limit"].help


@pytest.mark.parametrize("rule", read(built_in(), known=SIGNALS).values(), ids=lambda r: r.name)
def test_the_runbook_is_found_for_every_rule(rule: Any) -> None:
    page, text = section(rule.runbook)
    assert page is not None
    assert text.startswith(f"`{rule.name}`")


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(NotFound) as told:
        rule_named("pipelinefailed")
    assert "PipelineFailure" in told.value.next_step


def test_a_file_without_rules_is_right_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("")
    ended = run("test", str(file))
    assert (code(ended), "no rules" in ended.stdout) == (0, True)


@pytest.mark.parametrize("when", ["yesterday", "last-week", "9999-01-01"])
def test_what_is_no_time_of_the_past_cannot_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setenv("BERGLINE_PROJECT", str(tmp_path))
    file = write_rule(tmp_path, "MyOwnRule")
    ended = run("test", str(file), "--on", when)
    assert isinstance(ended.exception, ConfigurationError)
    assert "--on" in ended.exception.what


def test_a_new_rule_is_right_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_PROJECT", str(tmp_path))
    written = json.loads(CliRunner().invoke(new.app, ["rule", "MyOwnRule", "-o", "json"]).stdout)
    assert written["files"] == [str(tmp_path / "rules" / "my_own_rule.yaml")]
    assert rule_named("MyOwnRule").place.file == "rules/my_own_rule.yaml"
    again = CliRunner().invoke(new.app, ["rule", "MyOwnRule"])
    assert isinstance(again.exception, ConfigurationError)
    assert isinstance(CliRunner().invoke(new.app, ["rule", "1"]).exception, ConfigurationError)


@pytest.mark.parametrize("rule", read(built_in(), known=SIGNALS).values(), ids=lambda r: r.name)
def test_one_that_replaces_a_built_in_rule_begins_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: Any
) -> None:
    monkeypatch.setenv("BERGLINE_PROJECT", str(tmp_path))
    written = json.loads(CliRunner().invoke(new.app, ["rule", rule.name, "-o", "json"]).stdout)
    assert written["replaces_built_in"] is True
    own = rule_named(rule.name)
    assert own.place.file.startswith("rules/")
    assert replace(own, place=rule.place, group=rule.group) == rule


def test_everything_that_is_wrong_in_rules_and_receivers_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERGLINE_PROJECT", str(tmp_path))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("groups: [{name: a, rules: [{alert: A}]}]")
    (tmp_path / "alerting.yaml").write_text("receivers: [{name: a}]")
    ended = CliRunner().invoke(check.app, [])
    assert isinstance(ended.exception, ConfigurationError)
    assert "rules/a.yaml:1:" in ended.exception.what
    assert "alerting.yaml:1:" in ended.exception.what
