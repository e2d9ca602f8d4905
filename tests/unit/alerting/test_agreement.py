"""Prometheus and we agree: on the value of a condition and on every alert, minute by minute.

Conditions and series are drawn by hypothesis, and promtool is asked about all of them in one file
of unit tests, so that it starts once. What is expected of it is what our own evaluation and
lifecycle found. The scenarios of the built-in rules are asked about in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings

from deploy.prometheus.notation import written
from deploy.prometheus.scenario import Firing, samples
from deploy.prometheus.scenarios import SCENARIOS
from shared.alerting.promql import prometheus_rules, promql
from shared.alerting.reading import built_in, read
from shared.alerting.rule import Place, Rule, Rules
from shared.runtime.metrics import SIGNALS
from tests.support.prometheus_tools import needs_promtool, promtool
from tests.unit.alerting.conditions_strategy import MINUTES, Case, cases
from tests.unit.alerting.replaying import Minute, Series, parsed, replayed

pytestmark = needs_promtool
EXAMPLES = 80
ROUNDED_TO = 0.000001


def rule_of(case: Case, name: str) -> Rule:
    return Rule(
        name=name,
        group=name,
        interval_s=60,
        condition=case.condition,
        for_s=case.for_s,
        keep_firing_for_s=case.keep_firing_for_s,
        severity="info",
        team="t",
        summary="s",
        description="",
        runbook="",
        place=Place("f.yaml", 1, 1),
    )


def selected(name: str, labels: Mapping[str, str]) -> str:
    pairs = ", ".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{pairs}}}"


def rounded(value: float) -> float:
    """As ``round`` of PromQL: promtool 2 compares the last bit, which sums and means differ in."""
    inverse = 1 / ROUNDED_TO
    return math.floor(value * inverse + 0.5) / inverse


def values_expected(minute: Minute) -> list[dict[str, Any]]:
    return [
        {"labels": selected("", dict(labels)), "value": rounded(value)}
        for labels, value in minute.vector.items()
    ]


def alerts_expected(rule: Rule, minute: Minute) -> list[dict[str, Any]]:
    own = {"alertname": rule.name, "severity": rule.severity, "team": rule.team}
    return [
        {
            "labels": selected("ALERTS", {**dict(labels), **own, "alertstate": state}),
            "value": 1,
        }
        for labels, state in minute.states.items()
    ]


def asked(rule: Rule, minutes: Sequence[Minute], own: str) -> Iterable[dict[str, Any]]:
    """What promtool is asked at every minute; ``own`` replaces the prefix of the signals."""
    for n, minute in enumerate(minutes):
        for expression, expected in (
            (
                f"round({promql(rule.condition).replace('zz_', own)}, {ROUNDED_TO})",
                values_expected(minute),
            ),
            (f'ALERTS{{alertname="{rule.name}"}}', alerts_expected(rule, minute)),
        ):
            yield {"expr": expression, "eval_time": f"{n}m", "exp_samples": expected}


def input_series(series: Series, own: str) -> list[dict[str, str]]:
    return [
        {"series": selected(signal.replace("zz_", own), dict(labels)), "values": written([*values])}
        for signal, each in series.items()
        for labels, values in each.items()
    ]


def ask(directory: Path, rules: str, tests: list[dict[str, Any]]) -> None:
    (directory / "rules.yml").write_text(rules)
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    path = directory / "agreement.test.yml"
    path.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, width=1000))
    promtool("test", "rules", path)


def test_prometheus_and_we_agree_on_drawn_conditions(tmp_path: Path) -> None:
    drawn: list[Case] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    assert len(drawn) >= EXAMPLES // 2
    rules, series, firing = "groups:\n", [], 0
    questions: list[dict[str, Any]] = []
    for n, case in enumerate(drawn):
        rule, own = rule_of(case, f"Rule{n}"), f"z{n}_"
        minutes = replayed(rule, case.series, MINUTES - 1)
        firing += any(minute.states for minute in minutes)
        text = prometheus_rules({rule.name: rule}).replace("zz_", own)
        rules += text.removeprefix("groups:\n")
        series += input_series(case.series, own)
        questions += asked(rule, minutes, own)
    assert firing > len(drawn) / 4, "hardly anything fires: nothing is compared"
    test = {"interval": "30s", "input_series": series, "promql_expr_test": questions}
    ask(tmp_path, rules, [test])


def test_prometheus_and_we_agree_on_the_built_in_rules(tmp_path: Path) -> None:
    rules: Rules = read(built_in(), known=SIGNALS)
    tests = []
    for scenario in (each for group in SCENARIOS.values() for each in group):
        if not isinstance(scenario, Firing) or scenario.fires > 60:
            continue
        rule = rules[scenario.rule]
        minutes = replayed(rule, parsed(samples(scenario)), (scenario.clears or 9) + 1)
        tests.append(
            {
                "interval": "30s",
                "input_series": input_series(parsed(samples(scenario)), "zz_"),
                "promql_expr_test": list(asked(rule, minutes, "zz_")),
            }
        )
    ask(tmp_path, prometheus_rules(rules), tests)
