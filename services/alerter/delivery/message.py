"""A notification as text, for chat, pagers and mail. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from services.alerter.delivery.links import Links
from shared.alerting.notifying.notification import Notification
from shared.contracts.alerts import AlertChanged

MOST_ALERTS = 20
"""Alerts that are told in words; of the others there is the number."""
_LONGEST_TEXT = 500


class Mood(Enum):
    """How bad it is, as services of apprise tell apart."""

    FAILURE = "failure"
    WARNING = "warning"
    INFO = "info"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Message:
    """Text of a notification.

    Attributes:
        title: the same for everything told of a group: pagers find by it the incident that a later
            message ends.
        body: lines, firing alerts first.
        mood: ``SUCCESS`` once nothing of the group is firing any more.
    """

    title: str
    body: str
    mood: Mood


def message(notification: Notification, links: Links) -> Message:
    """What people read."""
    firing = [each for each in notification.alerts if each.state == "firing"]
    resolved = [each for each in notification.alerts if each.state != "firing"]
    told = [*firing, *resolved]
    lines = [_heading(notification.reason, len(firing), len(resolved))]
    lines += [_line(each, links) for each in told[:MOST_ALERTS]]
    if len(told) > MOST_ALERTS:
        lines.append(f"and {len(told) - MOST_ALERTS} more")
    return Message(
        title=f"Bergline: {_short(notification.group) or 'all alerts'}",
        body="\n".join(lines),
        mood=_mood(firing),
    )


def _heading(reason: str, firing: int, resolved: int) -> str:
    counts = [f"{firing} firing"] if firing else []
    if resolved:
        counts.append(f"{resolved} resolved")
    why = {"repeated": " (reminder)", "escalated": " (escalated: nobody has acknowledged it)"}
    return ", ".join(counts).upper() + why.get(reason, "")


def _line(alert: AlertChanged, links: Links) -> str:
    began = f" since {alert.fired_at:%Y-%m-%d %H:%M:%S} UTC" if alert.fired_at else ""
    parts = [
        f"{alert.state} {alert.severity}: {_short(alert.summary) or alert.rule}"
        f" [{alert.event_id()}]{began if alert.state == 'firing' else ''}"
    ]
    if alert.state == "firing":
        if alert.description and alert.description != alert.summary:
            parts.append(f"  {_short(alert.description)}")
        if alert.runbook:
            parts.append(f"  what to do: {links.runbook_of(alert.runbook)}")
    return "\n".join(parts)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _mood(firing: list[AlertChanged]) -> Mood:
    severities = {each.severity for each in firing}
    if "critical" in severities:
        return Mood.FAILURE
    if "warning" in severities:
        return Mood.WARNING
    return Mood.INFO if firing else Mood.SUCCESS
