"""The files for Prometheus and Alertmanager are what their own tools accept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploy.prometheus.scenario import Firing
from deploy.prometheus.scenarios import SCENARIOS
from shared.alerting import matchers as matcher
from shared.alerting.notifying.consequences import BUILT_IN
from shared.alerting.notifying.inhibition import Inhibition
from shared.alerting.reading import built_in, read
from shared.runtime.metrics import SIGNALS
from tests.support.prometheus_tools import amtool, needs_amtool, needs_promtool, promtool

HERE = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = read(built_in(), known=SIGNALS)


@needs_promtool
def test_configuration_and_rules_are_valid() -> None:
    said = promtool("check", "config", HERE / "prometheus.yml")
    assert f"{len(RULES)} rules found" in said


@needs_promtool
@pytest.mark.parametrize("path", sorted(HERE.glob("tests/*.test.yml")), ids=lambda path: path.name)
def test_rules_fire_and_clear(path: Path) -> None:
    promtool("test", "rules", path)


def test_every_built_in_rule_fires_and_clears_in_a_test() -> None:
    shown = [each for group in SCENARIOS.values() for each in group if isinstance(each, Firing)]
    assert {each.rule for each in shown} == set(RULES)
    assert {each.rule for each in shown if each.clears is None} == {"AlerterAlive"}


def test_every_other_rule_fires_and_clears_in_a_test() -> None:
    rules = yaml.safe_load((HERE / "rules" / "outside.rules.yml").read_text())
    tests = yaml.safe_load((HERE / "tests" / "outside.test.yml").read_text())
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    for name in names:
        (test,) = (each for each in tests["tests"] if each["name"] == name)
        counts = [len(each["exp_alerts"]) for each in test["alert_rule_test"]]
        assert counts == [0, 1, 0]


def test_groups_are_files_and_every_rule_says_what_to_do() -> None:
    for rule in RULES.values():
        assert rule.place.file == f"builtin/{rule.group}.yaml"
        assert rule.runbook.startswith("alerts#")
        assert rule.description


@needs_amtool
def test_alertmanagers_configuration_is_valid() -> None:
    assert "SUCCESS" in amtool("check-config", HERE / "alertmanager.yml")


@needs_amtool
@pytest.mark.parametrize(
    ("severity", "team", "receiver"),
    [
        ("critical", "platform", "platform-on-call"),
        ("critical", "data-engineering", "data-engineering-on-call"),
        ("warning", "platform", "platform"),
        ("warning", "data-engineering", "data-engineering"),
        ("info", "data-engineering", "later"),
        ("none", "platform", "sign-of-life"),
    ],
)
def test_who_is_told(severity: str, team: str, receiver: str) -> None:
    said = amtool(
        "config",
        "routes",
        "test",
        f"--config.file={HERE / 'alertmanager.yml'}",
        f"severity={severity}",
        f"team={team}",
    )
    assert said.strip() == receiver


def test_alertmanager_inhibits_what_alerter_does() -> None:
    configuration = yaml.safe_load((HERE / "alertmanager.yml").read_text())
    written = [
        Inhibition(
            tuple(matcher.parse(each) for each in rule["source_matchers"]),
            tuple(matcher.parse(each) for each in rule["target_matchers"]),
            tuple(rule.get("equal", ())),
        )
        for rule in configuration["inhibit_rules"]
    ]
    assert written == [replace(each, early=False) for each in BUILT_IN], "it knows nothing pending"


@pytest.mark.parametrize("inhibition", BUILT_IN, ids=str)
def test_inhibitions_name_rules_that_there_are(inhibition: Inhibition) -> None:
    for side in (*inhibition.source, *inhibition.target):
        assert set(side.value.split("|")) <= set(RULES)


def test_services_are_scraped_at_their_ports() -> None:
    targets = yaml.safe_load((HERE / "targets.yml").read_text())
    found = {each["labels"]["job"]: each["targets"] for each in targets}
    assert found == {
        "ingest": ["127.0.0.1:8090"],
        "stream_writer": ["127.0.0.1:8083"],
        "transformer": ["127.0.0.1:8084"],
        "maintainer": ["127.0.0.1:8086"],
        "alerter": ["127.0.0.1:8087"],
    }
