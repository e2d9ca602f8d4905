"""What people read in chat, on pagers and in mail."""

import pytest

from services.alerter.delivery.links import Links
from services.alerter.delivery.message import MOST_ALERTS, Mood, message
from shared.contracts.alerts import AlertChanged
from tests.support.notifications import alert, notification

LINKS = Links(runbook="https://docs.example")
OVER = alert(table="a", state="resolved", transition=3)


def test_it_says_what_is_wrong_since_when_and_what_to_do() -> None:
    told = alert(table="a")

    assert message(notification([told]), LINKS).body == (
        "1 FIRING\n"
        f"firing warning: KafkaConsumerLagHigh of {{'table': 'a'}} [{told.fingerprint}/2] "
        "since 2026-01-02 03:14:05 UTC\n"
        "  it is behind\n"
        "  what to do: https://docs.example/alerts.md#consumer-lag"
    )


def test_all_that_is_told_of_a_group_has_one_title_so_that_pagers_find_the_incident() -> None:
    began = message(notification([alert(table="a")]), LINKS)
    ended = message(notification([OVER], reason="repeated"), LINKS)

    assert began.title == ended.title == "Bergline: alertname=KafkaConsumerLagHigh"
    assert ended.body.startswith("1 RESOLVED (reminder)\n")


@pytest.mark.parametrize(
    ("alerts", "mood"),
    [
        ([alert(severity="critical"), alert(table="b"), OVER], Mood.FAILURE),
        ([alert(severity="warning"), alert(severity="info", table="b")], Mood.WARNING),
        ([alert(severity="info"), OVER], Mood.INFO),
        ([OVER], Mood.SUCCESS),
    ],
)
def test_the_worst_that_fires_sets_the_mood(alerts: list[AlertChanged], mood: Mood) -> None:
    assert message(notification(alerts), LINKS).mood is mood


def test_it_is_bounded_and_firing_alerts_come_first() -> None:
    long = alert(table="z").model_copy(update={"summary": "x" * 5000, "description": ""})
    many = [OVER, long, *(alert(table=str(number)) for number in range(50))]
    body = message(notification(many), LINKS).body

    assert body.startswith("51 FIRING, 1 RESOLVED\nfiring warning: xxx")
    assert body.endswith(f"and {len(many) - MOST_ALERTS} more")
    assert "resolved warning" not in body
    assert len(body) < 10_000
