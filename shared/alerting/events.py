"""Alerts as events, texts filled in, and back: what is told of one, and how it is held again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.alerting.alert import Alert
from shared.alerting.rule import Rule
from shared.alerting.texts import filled
from shared.contracts.alerts import AlertChanged


def event_of(
    alert: Alert,
    rule: Rule,
    *,
    condition: str = "",
    cause: str | None = None,
    evaluated_by: str = "",
) -> AlertChanged:
    """The event that tells of ``alert``; ``condition`` is the rule's, as PromQL.

    A label that the rule adds replaces one of the series, as in Prometheus; the identity is that
    of the series all the same.
    """
    series = dict(alert.labels)
    labels = {**series, **rule.labels}
    shown = {**labels, "alertname": rule.name, "severity": rule.severity, "team": rule.team}
    return AlertChanged(
        fingerprint=alert.fingerprint,
        transition=alert.transition,
        state=alert.state,
        previous=alert.previous,
        rule=alert.rule,
        group=rule.group,
        severity=rule.severity,
        team=rule.team,
        labels=labels,
        series=series,
        summary=filled(rule.summary, alert.value, shown),
        description=filled(rule.description, alert.value, shown),
        runbook=rule.runbook,
        condition=condition,
        value=alert.value,
        ended_by=alert.ended_by,
        active_at=_moment(alert.active_at),
        fired_at=_moment_if(alert.fired_at),
        false_since=_moment_if(alert.false_since),
        resolved_at=_moment_if(alert.resolved_at),
        changed_at=_moment(alert.changed_at),
        cause=cause,
        evaluated_by=evaluated_by,
    )


def alert_of(event: AlertChanged) -> Alert:
    """The alert that an event tells of, to go on from there. Times are exact to a microsecond."""
    return Alert(
        fingerprint=event.fingerprint,
        rule=event.rule,
        labels=tuple(sorted(event.series.items())),
        state=event.state,
        transition=event.transition,
        value=float("nan") if event.value is None else event.value,
        active_at=event.active_at.timestamp(),
        changed_at=event.changed_at.timestamp(),
        fired_at=_seconds_if(event.fired_at),
        false_since=_seconds_if(event.false_since),
        resolved_at=_seconds_if(event.resolved_at),
        ended_by=event.ended_by,
        previous=event.previous,
    )


def resumed(event: AlertChanged, unseen_s: float) -> AlertChanged:
    """Where an alert stands after so many seconds in which nobody looked, as before a restart.

    As in Prometheus that time does not count for one that is pending: nobody knows whether the
    condition held meanwhile. All others are returned as they are.
    """
    if event.state != "pending" or unseen_s <= 0:
        return event
    return event.model_copy(update={"active_at": event.active_at + timedelta(seconds=unseen_s)})


def all_labels(event: AlertChanged) -> dict[str, str]:
    """Labels by which routes, silences and inhibitions choose: ``alertname``, ``severity`` and
    ``team`` beside those of the series and the rule; empty ones left out."""
    named = {"alertname": event.rule, "severity": event.severity, "team": event.team}
    return {name: value for name, value in {**event.labels, **named}.items() if value}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moment_if(seconds: float | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)


def _seconds_if(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
