"""Conditions and rules as Prometheus reads them."""

from __future__ import annotations

import pytest
import yaml

from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Match,
    Ratio,
    Selector,
)
from shared.alerting.promql import duration, prometheus_rules, promql, runbook_url
from shared.alerting.reading import read
from tests.unit.alerting.known_signals import KNOWN

FILES, LIMIT = Selector("files"), Selector("limit")
MAX = "max without (instance, job, pod)"
ABOVE, BELOW = Comparison(FILES, ">", 1), Comparison(LIMIT, "<", 0.5)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ABOVE, f"{MAX} (files) > 1"),
        (
            Comparison(Selector("files", (Match("table", "=~", 'a\\.b"'),)), "<=", -1e16),
            f'{MAX} (files{{table=~"a\\\\.b\\""}}) <= -1e+16',
        ),
        (
            Comparison(Selector("seen_total", (), 5400, "rate", "sum", ("topic",), 60), ">", 0.1),
            f"(sum by (topic) ({MAX} (rate(seen_total[1h30m]))) * 60) > 0.1",
        ),
        (
            Comparison(Selector("files", (), 600, "max"), "!=", 3),
            f"{MAX} (max_over_time(files[10m])) != 3",
        ),
        (
            Comparison(FILES, ">", LIMIT, ("table",)),
            f"{MAX} (files) > on (table) group_left () {MAX} (limit)",
        ),
        (
            Comparison(Ratio(FILES, LIMIT), ">", 2),
            f"{MAX} (files) / ({MAX} (limit) != 0) > 2",
        ),
        (
            Comparison(Ratio(FILES, LIMIT, ()), ">", 2),
            f"{MAX} (files) / on () group_left () ({MAX} (limit) != 0) > 2",
        ),
        (
            Either((All((ABOVE, BELOW), ("table",)), BELOW)),
            f"({MAX} (files) > 1 and on (table) {MAX} (limit) < 0.5) or {MAX} (limit) < 0.5",
        ),
        (Absent(Selector("files", (Match("layer", "=", "raw"),))), 'absent(files{layer="raw"})'),
        (Absent(Selector("files", (), 60, "last")), "absent_over_time(files[1m])"),
    ],
)
def test_conditions(condition: Condition, expected: str) -> None:
    assert promql(condition) == expected


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(90, "1m30s"), (86400, "1d"), (0.5, "500ms"), (0.00001, "1ms"), (108001, "1d6h1s")],
)
def test_durations(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("runbook", "url"),
    [
        ("alerts#storage-full", "deploy/runbook/alerts.md#storage-full"),
        ("https://books.test/a#b", "https://books.test/a#b"),
        ("", ""),
    ],
)
def test_runbooks(runbook: str, url: str) -> None:
    assert runbook_url(runbook) == url


def test_a_file_of_rules() -> None:
    text = """
groups:
  - name: g
    interval: 30s
    rules:
      - alert: A
        when: {signal: files, above: 1}
        for: 1h
        keep_firing_for: 2m
        severity: warning
        team: t
        summary: '{table} has {value} {{ of {value:duration}'
        runbook: alerts#here
        labels: {channel: night}
  - name: h
    rules:
      - {alert: B, when: {signal: alive, equals: 0}, severity: info, team: t, summary: s}
"""
    # A project's rule in a group of the same name, at another interval.
    own = text.replace("30s", "10s").replace("alert: A", "alert: C").split("  - name: h")[0]
    rules = read({"builtin/a.yaml": text, "rules/b.yaml": own}, known=KNOWN)
    written = yaml.safe_load(prometheus_rules(rules))["groups"]
    assert [(group["name"], group["interval"]) for group in written] == [
        ("g every 30s", "30s"),
        ("h", "1m"),
        ("g every 10s", "10s"),
    ]
    assert written[0]["rules"] == [
        {
            "alert": "A",
            "expr": f"{MAX} (files) > 1",
            "for": "1h",
            "keep_firing_for": "2m",
            "labels": {"severity": "warning", "team": "t", "channel": "night"},
            "annotations": {
                "summary": '{{ $labels.table }} has {{ $value | humanize }} {{ "{{" }} of '
                "{{ $value | humanizeDuration }}",
                "runbook_url": "deploy/runbook/alerts.md#here",
            },
        }
    ]
