"""Unit tests of the rules for promtool, written from the scenarios.

Every series is there twice, as of two alerters: one alert follows from both. Texts are compared as
well, so that Prometheus fills them in as alerter does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from deploy.prometheus.notation import written
from deploy.prometheus.scenario import Firing, Quiet, samples
from deploy.prometheus.scenarios import SCENARIOS
from shared.alerting.promql import runbook_url
from shared.alerting.reading import built_in, read
from shared.alerting.rule import Rule, Rules
from shared.alerting.texts import filled
from shared.runtime.metrics import SIGNALS

_ALERTERS = ("127.0.0.1:8087", "127.0.0.1:8187")


def _series(scenario: Firing | Quiet) -> list[dict[str, str]]:
    return [
        {"series": _scraped(series, instance), "values": written(values)}
        for series, values in samples(scenario).items()
        for instance in _ALERTERS
    ]


def _scraped(series: str, instance: str) -> str:
    """The series as Prometheus has it from one alerter."""
    name, _, labels = series.rstrip("}").partition("{")
    own = f'instance="{instance}", job="alerter"'
    return f"{name}{{{f'{labels}, ' if labels else ''}{own}}}"


def _alert(rule: Rule, scenario: Firing, value: float) -> dict[str, Any]:
    labels = {**scenario.labels, "severity": rule.severity, "team": rule.team, **rule.labels}
    return {
        "exp_labels": labels,
        "exp_annotations": {
            "summary": filled(rule.summary, value, scenario.labels),
            "description": filled(rule.description, value, scenario.labels),
            "runbook_url": runbook_url(rule.runbook),
        },
    }


def _firing(rule: Rule, scenario: Firing) -> list[dict[str, Any]]:
    last = scenario.value if scenario.last is None else scenario.last
    expected = [(scenario.fires, [_alert(rule, scenario, scenario.value)])]
    if scenario.fires:
        expected.insert(0, (scenario.fires - 1, []))
    if scenario.clears is not None:
        expected += [
            (scenario.clears - 1, [_alert(rule, scenario, last)]),
            (scenario.clears, []),
        ]
    found = dict(expected)
    return [
        {"eval_time": f"{minute}m", "alertname": rule.name, "exp_alerts": alerts}
        for minute, alerts in found.items()
    ]


def _quiet(scenario: Quiet) -> list[dict[str, Any]]:
    return [
        {"eval_time": f"{minute}m", "alertname": scenario.rule, "exp_alerts": []}
        for minute in range(scenario.minutes + 1)
    ]


def _test(rules: Rules, scenario: Firing | Quiet) -> dict[str, Any]:
    why = f": {scenario.why}" if isinstance(scenario, Quiet) else ""
    return {
        "name": scenario.rule + why,
        "interval": "30s",
        "input_series": _series(scenario),
        "alert_rule_test": (
            _quiet(scenario)
            if isinstance(scenario, Quiet)
            else _firing(rules[scenario.rule], scenario)
        ),
    }


def document(group: str) -> Callable[[], str]:
    """What renders ``tests/<group>.test.yml``."""

    def render() -> str:
        rules = read(built_in(), known=SIGNALS)
        content = {
            "rule_files": ["../rules/bergline.rules.yml"],
            "evaluation_interval": "1m",
            "tests": [_test(rules, scenario) for scenario in SCENARIOS[group]],
        }
        return HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=96)

    return render


HEADER = (
    "# Written by `bergline documents` from deploy/prometheus/scenarios: change those.\n"
    "# promtool test rules deploy/prometheus/tests/*.test.yml\n"
)
