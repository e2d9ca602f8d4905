"""What an alerter shows of itself: alerts, rules, and what does not work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from services.alerter.evaluation.evaluation import Evaluation
from shared.alerting.board import Board
from shared.alerting.promql import promql
from shared.alerting.reach import signals
from shared.alerting.rule import Rule
from shared.contracts.alerts import AlertChanged


def alerts_page(
    board: Board, owns: Callable[[str], bool], now: datetime
) -> dict[str, list[dict[str, object]]]:
    """Alerts that are pending or firing, those of other alerters among them, firing ones first; and
    the silences that last."""
    active = [each for each in board.alerts.values() if each.state in ("pending", "firing")]
    active.sort(key=lambda each: (each.state != "firing", each.rule, sorted(each.labels.items())))
    last = [each for each in board.silences.values() if now < each.ends_at]
    last.sort(key=lambda each: (each.ends_at, each.silence_id))
    return {
        "alerts": [_alert(each, board, owns(each.rule), now) for each in active],
        "silences": [each.model_dump(mode="json") for each in last],
    }


def _alert(alert: AlertChanged, board: Board, ours: bool, now: datetime) -> dict[str, object]:
    acknowledged = board.acknowledgement(alert)
    return {
        **alert.model_dump(mode="json"),
        "ours": ours,
        "silenced_by": [each.silence_id for each in board.silenced_by(alert, now)],
        "acknowledged_by": None if acknowledged is None else acknowledged.model_dump(mode="json"),
        "notified": [
            {"receiver": each.receiver, "at": each.notified_at.isoformat(), "reason": each.reason}
            for each in board.told(alert)
        ],
    }


def rules_page(evaluation: Evaluation) -> dict[str, list[dict[str, object]]]:
    """Every rule in force, and how it is doing here."""
    return {
        "rules": [
            _rule(rule, evaluation)
            for _, rule in sorted(evaluation.rules.items(), key=lambda each: each[0])
        ]
    }


def _rule(rule: Rule, evaluation: Evaluation) -> dict[str, object]:
    return {
        "alert": rule.name,
        "group": rule.group,
        "condition": promql(rule.condition),
        "signals": sorted(signals(rule.condition)),
        "interval_s": rule.interval_s,
        "for_s": rule.for_s,
        "keep_firing_for_s": rule.keep_firing_for_s,
        "severity": rule.severity,
        "team": rule.team,
        "runbook": rule.runbook,
        "place": f"{rule.place.file}:{rule.place.line}",
        "evaluated": _evaluated(rule.name, evaluation),
        "error": evaluation.troubles.rules.get(rule.name),
    }


def _evaluated(name: str, evaluation: Evaluation) -> str:
    if name not in evaluation.owned:
        return "by another alerter"
    if name in evaluation.held:
        return "waits for signals to be known"
    return "here"


def broken_notes(**files: str | None) -> dict[str, object]:
    """What is wrong with files, by what they are of; empty while all are right."""
    return {f"{what}_broken": told for what, told in files.items() if told is not None}


def counted(states: Iterable[AlertChanged]) -> Mapping[str, int]:
    """How many alerts are in which active state."""
    found = {"firing": 0, "pending": 0}
    for each in states:
        if each.state in found:
            found[each.state] += 1
    return found
