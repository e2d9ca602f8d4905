"""Alerts and notifications for tests of those who send them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.alerting.lifecycle import fingerprint
from shared.alerting.notifying.notification import Notification, Reason
from shared.contracts.alerts import (
    AlertChanged,
    AlertNotified,
    AlertState,
    NotifiedAlert,
    Severity,
)

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def alert(
    rule: str = "KafkaConsumerLagHigh",
    state: AlertState = "firing",
    transition: int = 2,
    severity: Severity = "warning",
    **labels: str,
) -> AlertChanged:
    """An alert, and its texts."""
    over = state == "resolved"
    return AlertChanged(
        fingerprint=fingerprint(rule, tuple(sorted(labels.items()))),
        transition=transition,
        state=state,
        previous="firing" if over else "pending",
        rule=rule,
        group="infrastructure",
        severity=severity,
        team="data-engineering",
        labels=labels,
        summary=f"{rule} of {labels}",
        description="it is behind",
        runbook="alerts#consumer-lag",
        condition="lakehouse_consumer_lag_records > 10000",
        value=12_000.0,
        ended_by="condition_false" if over else None,
        active_at=BEGAN,
        fired_at=BEGAN + timedelta(minutes=10),
        resolved_at=BEGAN + timedelta(minutes=20) if over else None,
        changed_at=BEGAN + timedelta(minutes=20 if over else 10),
    )


def notification(
    alerts: Sequence[AlertChanged] | None = None,
    *,
    receiver: str = "desk",
    group: str = "alertname=KafkaConsumerLagHigh",
    key: str | None = None,
    reason: Reason = "changed",
) -> Notification:
    """What a receiver is told; its key follows from the alerts."""
    told = tuple(alerts) if alerts is not None else (alert(),)
    return Notification(
        receiver=receiver,
        group=group,
        group_labels=dict(pair.split("=", 1) for pair in group.split(",") if pair),
        idempotency_key=key or f"{receiver}/{group}/{'+'.join(each.event_id() for each in told)}",
        reason=reason,
        repeat=0,
        alerts=told,
        told={
            each.fingerprint: NotifiedAlert(
                transition=each.transition,
                state="firing" if each.state == "firing" else "resolved",
            )
            for each in told
        },
    )


def taken(told: Notification, at: float) -> AlertNotified:
    """The one record that it was taken ``at`` this time."""
    (record,) = told.taken(at)
    return record
