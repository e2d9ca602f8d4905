"""Matchers that may be a slip of the finger: no rule has what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.contracts.alerts import Matcher


def unknown(matchers: tuple[Matcher, ...]) -> list[str]:
    """Rules and labels that are in none of the files, each in a sentence; none while one is wrong.

    Another project of the same platform may have them, so this is told, and refuses nothing.
    """
    from shared.alerting.reach import signals
    from shared.alerting.reading import RulesInvalid
    from shared.cli.alert_rules import rules
    from shared.runtime.metrics import SIGNALS

    try:
        known = rules()
    except (RulesInvalid, OSError):
        return []
    labels = {"alertname", "severity", "team"}
    for rule in known.values():
        labels |= {*rule.labels, *(n for s in signals(rule.condition) for n in SIGNALS[s].labels)}
    told = []
    for each in matchers:
        if each.label not in labels:
            told.append(f"no rule has alerts with a label {each.label!r}")
        elif each.label == "alertname" and each.op == "=" and each.value not in known:
            told.append(f"there is no rule {each.value!r}")
    return told
