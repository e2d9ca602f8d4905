"""Alerts as they are shown: for people rows and sentences, for programs JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.cli.words import NOTHING, age, cell, moment

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertChanged, AlertSilenced

SEVERITIES = ("critical", "warning", "info", "none")
"""The worst first."""

ACTIVE = ("firing", "pending")
SHORT = 8
"""So many digits of a fingerprint or silence are shown; commands take them for the whole."""

_COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}
_STATES = {"firing": "red", "pending": "yellow", "resolved": "green", "inactive": "dim"}


def order(alert: AlertChanged) -> tuple[object, ...]:
    """What needs somebody first comes first: the worst, firing before pending, the oldest."""
    severity = SEVERITIES.index(alert.severity)
    over = alert.state not in ACTIVE
    return over, severity, alert.state != "firing", alert.active_at, alert.fingerprint


def since(alert: AlertChanged) -> datetime:
    """Since when the state is the present one; of an alert that is over, since when it is over."""
    match alert.state:
        case "firing":
            return alert.fired_at or alert.active_at
        case "pending":
            return alert.active_at
    return alert.resolved_at or alert.changed_at


def labels_text(labels: dict[str, str]) -> str:
    """Labels as PromQL has them, braces left out."""
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def number(value: float | None) -> str:
    """A value with at most four digits that count, whole numbers whole."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def alert_json(board: Board, alert: AlertChanged, now: datetime) -> dict[str, Any]:
    """One alert for programs: its event, and what operators said about it."""
    acknowledged = board.acknowledgement(alert)
    return {
        **alert.model_dump(mode="json"),
        "since": since(alert).isoformat(),
        "seconds": round((now - since(alert)).total_seconds(), 3),
        "silenced_by": [each.model_dump(mode="json") for each in board.silenced_by(alert, now)],
        "acknowledged_by": acknowledged and acknowledged.model_dump(mode="json"),
        "notified": [
            {"receiver": each.receiver, "at": each.notified_at.isoformat(), "reason": each.reason}
            for each in board.told(alert)
        ],
    }


COLUMNS = ("severity", "state", ">for", "alert", "what")


def alert_row(board: Board, alert: AlertChanged, now: datetime) -> tuple[object, ...]:
    """One alert for people, as :data:`COLUMNS` are; names that are typed are never cut."""
    what = [
        f"[bold]{cell(alert.rule)}[/]",
        cell(alert.summary or labels_text(alert.labels)),
        *([f"{cell(alert.runbook)}"] if alert.runbook else []),
        *([said] if (said := handled(board, alert, now)) else []),
    ]
    return (
        f"[{_COLOURS.get(alert.severity, 'dim')}]{alert.severity}[/]",
        f"[{_STATES[alert.state]}]{alert.state}[/]",
        age(now - since(alert)),
        alert.fingerprint[:SHORT],
        "\n".join(what),
    )


def handled(board: Board, alert: AlertChanged, now: datetime) -> str:
    """Who works on it, what silences it, or who was told; empty: nobody."""
    if silenced := board.silenced_by(alert, now):
        return f"[dim]silenced by {cell(said_by(silenced[0]))}[/]"
    if acknowledged := board.acknowledgement(alert):
        said = f": {acknowledged.comment}" if acknowledged.comment else ""
        return f"[green]acknowledged by {cell(acknowledged.actor + said)}[/]"
    if told := board.told(alert):
        return f"[dim]told: {cell(', '.join(dict.fromkeys(each.receiver for each in told)))}[/]"
    return ""


def said_by(silence: AlertSilenced) -> str:
    """Who silences, until when, and why."""
    why = f": {silence.comment}" if silence.comment else ""
    return f"{silence.actor} until {moment(silence.ends_at)[:16]}Z{why}"
