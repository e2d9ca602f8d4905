"""The same conditions and rules for Prometheus.

What alerter exposes is scraped from every alerter, so every vector is the largest of what they say:
``max without (instance, job, pod)``. A joined side has at most one series for each other one, which
reading saw to, so joins are ``group_left``: the labels of the left side stay.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Ratio,
    Selector,
)
from shared.alerting.rule import Rule, Rules
from shared.alerting.texts import PLACEHOLDER

OF_SCRAPE = ("instance", "job", "pod")
"""Labels that tell one alerter from another."""

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_FORMS = {None: "humanize", "duration": "humanizeDuration", "percentage": "humanizePercentage"}


def promql(condition: Condition) -> str:
    """The condition as an expression of PromQL."""
    match condition:
        case Comparison(left, op, right, on):
            shown = _ratio(left) if isinstance(left, Ratio) else _selector(left)
            if isinstance(right, Selector):
                return f"{shown} {op} {_joining(on)}{_selector(right)}"
            return f"{shown} {op} {_number(right)}"
        case Absent(selector):
            if selector.window_s is not None:
                return f"absent_over_time({_series(selector)})"
            return f"absent({_series(selector)})"
        case All(conditions, on):
            joint = " and " if on is None else f" and on ({', '.join(on)}) "
            return joint.join(_part(each) for each in conditions)
        case Either(conditions):
            return " or ".join(_part(each) for each in conditions)


def _part(condition: Condition) -> str:
    """A condition beside others; comparisons bind more tightly than ``and`` and ``or``."""
    written = promql(condition)
    return f"({written})" if isinstance(condition, All | Either) else written


def _joining(on: tuple[str, ...] | None) -> str:
    return "" if on is None else f"on ({', '.join(on)}) group_left () "


def _ratio(ratio: Ratio) -> str:
    divisor = f"({_selector(ratio.denominator)} != 0)"
    return f"{_selector(ratio.numerator)} / {_joining(ratio.on)}{divisor}"


def _selector(selector: Selector) -> str:
    written = _series(selector)
    if selector.over_time in ("increase", "rate", "delta"):
        written = f"{selector.over_time}({written})"
    elif selector.over_time is not None:
        written = f"{selector.over_time}_over_time({written})"
    written = f"max without ({', '.join(OF_SCRAPE)}) ({written})"
    if selector.aggregation is not None:
        written = f"{selector.aggregation} by ({', '.join(selector.by)}) ({written})"
    return written if selector.times == 1 else f"({written} * {_number(selector.times)})"


def _series(selector: Selector) -> str:
    matches = ", ".join(
        f"{match.label}{match.op}{json.dumps(match.value, ensure_ascii=False)}"
        for match in selector.matches
    )
    window = "" if selector.window_s is None else f"[{duration(selector.window_s)}]"
    return selector.signal + (f"{{{matches}}}" if matches else "") + window


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them; at least a millisecond."""
    left = max(1, round(seconds * 1000))
    written = ""
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        written += f"{count}{unit}" if count else ""
    return written


def _text(text: str) -> str:
    """A text of a rule as a template of Prometheus."""

    def placed(match: re.Match[str]) -> str:
        name, form = match.groups()
        value = f"$value | {_FORMS[form]}" if name == "value" else f"$labels.{name}"
        return "{{ " + value + " }}"

    parts, end = [], 0
    for match in PLACEHOLDER.finditer(text):
        parts += [_literal(text[end : match.start()]), placed(match)]
        end = match.end()
    return "".join([*parts, _literal(text[end:])])


def _literal(text: str) -> str:
    return text.replace("{{", '{{ "{{" }}')


def _rule(rule: Rule) -> dict[str, Any]:
    written: dict[str, Any] = {"alert": rule.name, "expr": promql(rule.condition)}
    if rule.for_s:
        written["for"] = duration(rule.for_s)
    if rule.keep_firing_for_s:
        written["keep_firing_for"] = duration(rule.keep_firing_for_s)
    own = {"severity": rule.severity, "team": rule.team, **rule.labels}
    written["labels"] = {name: _literal(value) for name, value in own.items()}
    texts = {"summary": _text(rule.summary), "description": _text(rule.description)}
    texts["runbook_url"] = runbook_url(rule.runbook)
    written["annotations"] = {name: text for name, text in texts.items() if text}
    return written


def runbook_url(runbook: str) -> str:
    """Where a rule's runbook is: a URL as it is, a page from the root of the checkout."""
    page, _, anchor = runbook.partition("#")
    if not runbook or "://" in runbook:
        return runbook
    return f"deploy/runbook/{page}.md#{anchor}"


def prometheus_rules(rules: Rules) -> str:
    """A file of rules for Prometheus, in YAML; groups that have the same interval stay together."""
    groups: dict[tuple[str, float], list[Rule]] = {}
    for rule in rules.values():
        groups.setdefault((rule.group, rule.interval_s), []).append(rule)
    names = [name for name, _ in groups]
    document = {
        "groups": [
            {
                "name": name if names.count(name) == 1 else f"{name} every {duration(interval)}",
                "interval": duration(interval),
                "rules": [_rule(rule) for rule in members],
            }
            for (name, interval), members in groups.items()
        ]
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=96)
