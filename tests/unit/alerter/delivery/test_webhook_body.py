"""The body that webhooks get is Alertmanager's version 4, and has fields of our own."""

from typing import Any

import orjson

from services.alerter.delivery.links import Links
from services.alerter.delivery.webhook_body import MOST, NEVER, webhook_bodies
from shared.alerting.notifying.notification import Notification
from tests.support.notifications import alert, notification


def one_body(told: Notification, links: Links) -> dict[str, Any]:
    ((key, body),) = webhook_bodies(told, links)
    assert key == told.idempotency_key
    found: dict[str, Any] = orjson.loads(body)
    return found


LINKS = Links(alerter="https://alerts.example", runbook="https://docs.example/runbook/")


def test_it_has_every_field_of_version_4() -> None:
    told = alert(table="raw.x", group="writers")
    body = one_body(notification([told], group="table=raw.x"), LINKS)

    assert body == {
        "version": "4",
        "groupKey": "desk/table=raw.x",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "desk",
        "groupLabels": {"table": "raw.x"},
        "commonLabels": body["alerts"][0]["labels"],
        "commonAnnotations": body["alerts"][0]["annotations"],
        "externalURL": "https://alerts.example",
        "idempotencyKey": f"desk/table=raw.x/{told.fingerprint}/2",
        "reason": "changed",
        "alerts": [
            {
                "status": "firing",
                "labels": {
                    "alertname": "KafkaConsumerLagHigh",
                    "severity": "warning",
                    "team": "data-engineering",
                    "table": "raw.x",
                    "group": "writers",
                },
                "annotations": {
                    "summary": told.summary,
                    "description": "it is behind",
                    "runbook_url": "https://docs.example/runbook/alerts.md#consumer-lag",
                },
                "startsAt": "2026-01-02T03:14:05.000000Z",
                "endsAt": NEVER,
                "generatorURL": "https://alerts.example",
                "fingerprint": told.fingerprint,
                "idempotencyKey": f"{told.fingerprint}/2",
                "runbook": "alerts#consumer-lag",
                "value": 12000.0,
                "condition": "lakehouse_consumer_lag_records > 10000",
            }
        ],
    }


def test_common_are_the_labels_and_texts_that_all_alerts_share() -> None:
    both = [alert(table="a", layer="raw"), alert(table="b", layer="raw")]
    body = one_body(notification(both, group=""), LINKS)

    assert body["groupLabels"] == {}
    assert body["commonLabels"] == {
        "alertname": "KafkaConsumerLagHigh",
        "layer": "raw",
        "severity": "warning",
        "team": "data-engineering",
    }
    assert set(body["commonAnnotations"]) == {"description", "runbook_url"}


def test_a_group_is_resolved_once_all_of_it_is() -> None:
    over = alert(table="a", state="resolved", transition=3)
    mixed = one_body(notification([alert(table="b"), over]), LINKS)
    ended = one_body(notification([over]), LINKS)

    assert [mixed["status"], ended["status"]] == ["firing", "resolved"]
    assert [each["status"] for each in mixed["alerts"]] == ["firing", "resolved"]
    assert ended["alerts"][0]["endsAt"] == "2026-01-02T03:24:05.000000Z"


def test_a_runbook_without_an_address_is_named() -> None:
    body = one_body(notification(), Links())

    assert body["alerts"][0]["annotations"]["runbook_url"] == "alerts#consumer-lag"
    assert Links(runbook="https://x").runbook_of("https://y/z") == "https://y/z"


def test_of_very_many_alerts_there_are_several_bodies_with_the_status_of_the_whole() -> None:
    many = [alert(table=str(number)) for number in range(MOST)]
    over = alert(table="over", state="resolved")
    told = notification([*many, over], group="team=x")
    bodies = list(webhook_bodies(told, LINKS))

    assert [key for key, _ in bodies] == [told.idempotency_key, f"{told.idempotency_key}/2"]
    assert len(bodies[0][1]) < 500_000
    read = [orjson.loads(body) for _, body in bodies]
    assert [each["idempotencyKey"] for each in read] == [key for key, _ in bodies]
    assert [len(each["alerts"]) for each in read] == [MOST, 1]
    assert read[1]["alerts"][0]["status"] == "resolved"
    assert [(each["groupKey"], each["status"]) for each in read] == [("desk/team=x", "firing")] * 2
