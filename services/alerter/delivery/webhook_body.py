"""A notification as Alertmanager's webhook format, version 4, with fields of our own. Pure.

Receivers of Alertmanager understand it; they pass over what they do not know: ``idempotencyKey``
and ``reason`` of the whole, and of each alert ``idempotencyKey``, ``runbook``, ``value`` and
``condition``.
Source: prometheus.io/docs/alerting/latest/configuration, "webhook_config".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import orjson

from services.alerter.delivery.links import Links
from shared.alerting.events import all_labels
from shared.alerting.notifying.notification import Notification
from shared.contracts.alerts import AlertChanged
from shared.contracts.envelope import rfc3339

NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes that an alert has not ended."""


MOST = 500
"""Alerts of one body: some 0.4 MB, where servers take 1 MB unless told otherwise."""


def webhook_bodies(notification: Notification, links: Links) -> Iterator[tuple[str, bytes]]:
    """The bodies to post, one after the other, each with its idempotency key.

    One, unless there are very many alerts. Each tells some of them, and the status of the whole:
    that of a group is not over before all of it is.
    """
    alerts, key = notification.alerts, notification.idempotency_key
    for number, first in enumerate(range(0, len(alerts), MOST), start=1):
        own = key if number == 1 else f"{key}/{number}"
        yield own, _body(notification, links, own, alerts[first : first + MOST])


def _body(
    notification: Notification, links: Links, key: str, alerts: Sequence[AlertChanged]
) -> bytes:
    labels = [all_labels(each) for each in alerts]
    annotations = [annotations_of(each, links) for each in alerts]
    return orjson.dumps(
        {
            "version": "4",
            "groupKey": f"{notification.receiver}/{notification.group}",
            "truncatedAlerts": 0,
            "status": notification.status,
            "receiver": notification.receiver,
            "groupLabels": dict(notification.group_labels),
            "commonLabels": _common(labels),
            "commonAnnotations": _common(annotations),
            "externalURL": links.alerter,
            "alerts": [
                _alert(each, own, texts, links)
                for each, own, texts in zip(alerts, labels, annotations, strict=True)
            ],
            "idempotencyKey": key,
            "reason": notification.reason,
        }
    )


def annotations_of(alert: AlertChanged, links: Links) -> dict[str, str]:
    """Texts under the names that Prometheus' rules have for them; empty ones left out."""
    texts = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": links.runbook_of(alert.runbook),
    }
    return {name: text for name, text in texts.items() if text}


def began(alert: AlertChanged) -> datetime:
    """Since when it is firing."""
    return alert.fired_at or alert.active_at


def ended(alert: AlertChanged) -> datetime:
    """When an alert that is not firing was over."""
    return alert.resolved_at or alert.changed_at


def moment(when: datetime) -> str:
    """As Alertmanager reads it."""
    return rfc3339(when.astimezone(UTC))


def _alert(
    alert: AlertChanged, labels: Mapping[str, str], annotations: Mapping[str, str], links: Links
) -> dict[str, object]:
    firing = alert.state == "firing"
    return {
        "status": "firing" if firing else "resolved",
        "labels": labels,
        "annotations": annotations,
        "startsAt": moment(began(alert)),
        "endsAt": NEVER if firing else moment(ended(alert)),
        "generatorURL": links.alerter,
        "fingerprint": alert.fingerprint,
        "idempotencyKey": alert.event_id(),
        "runbook": alert.runbook,
        "value": alert.value,
        "condition": alert.condition,
    }


def _common(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not maps:
        return {}
    shared = set(maps[0].items()).intersection(*(each.items() for each in maps[1:]))
    return dict(sorted(shared))
