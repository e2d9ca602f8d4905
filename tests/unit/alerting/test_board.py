"""The board: the last record of each key, and for alerts the highest transition."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.board import Board
from shared.alerting.matchers import parse
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertNotified,
    AlertSilenced,
    NotifiedAlert,
)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FINGERPRINT = "00000000000000aa"


def changed(**other: Any) -> AlertChanged:
    given = {
        "fingerprint": FINGERPRINT,
        "transition": 2,
        "state": "firing",
        "rule": "PipelineStale",
        "severity": "warning",
        "labels": {"table": "raw.a"},
        "active_at": AT,
        "changed_at": AT,
    }
    return AlertChanged.model_validate({**given, **other})


def silence(matcher: str, minutes: int = 60, silence_id: str = "s1") -> AlertSilenced:
    return AlertSilenced(
        silence_id=silence_id,
        matchers=(parse(matcher),),
        starts_at=AT,
        ends_at=AT + timedelta(minutes=minutes),
        actor="ada",
        command_id="c1",
        silenced_at=AT,
    )


def acknowledged(active_at: datetime = AT) -> AlertAcknowledged:
    return AlertAcknowledged(
        fingerprint=FINGERPRINT,
        active_at=active_at,
        actor="ada",
        command_id="c2",
        acknowledged_at=AT,
    )


def board(*events: Any) -> Board:
    found = Board()
    for event in events:
        found.take(event.key(), event)
    return found


@given(st.permutations(range(1, 6)))
def test_the_highest_transition_stands_whatever_the_order(order: list[int]) -> None:
    found = board(*(changed(transition=number) for number in order))
    assert found.alerts[FINGERPRINT].transition == 5


def test_what_is_removed_is_gone_whatever_it_was() -> None:
    told = AlertNotified(receiver="chat", group="", idempotency_key="k", notified_at=AT)
    events = [changed(), silence("table=raw.a"), acknowledged(), told]
    found = board(*events)
    random.Random(1).shuffle(events)
    for event in events:
        found.take(event.key(), None)
    assert found == Board()


def test_a_silence_keeps_what_matches_while_it_lasts() -> None:
    found = board(silence("alertname=PipelineStale"), silence("table=raw.b", silence_id="s2"))
    alert = changed()
    assert [each.silence_id for each in found.silenced_by(alert, AT)] == ["s1"]
    assert not found.silenced_by(alert, AT - timedelta(seconds=1))
    assert not found.silenced_by(alert, AT + timedelta(hours=1))


def test_of_several_silences_the_one_that_lasts_longest_comes_first() -> None:
    found = board(silence("table=raw.a", 5), silence("severity=warning", 9, "s2"))
    assert [each.silence_id for each in found.silenced_by(changed(), AT)] == ["s2", "s1"]


def test_an_acknowledgement_is_of_one_time_that_the_alert_was_active() -> None:
    assert board(acknowledged()).acknowledgement(changed()) == acknowledged()
    earlier = acknowledged(AT - timedelta(days=1))
    assert board(earlier).acknowledgement(changed()) is None


def test_who_was_told_the_present_state() -> None:
    def told(receiver: str, transition: int) -> AlertNotified:
        return AlertNotified(
            receiver=receiver,
            group="g",
            idempotency_key="k",
            alerts={FINGERPRINT: NotifiedAlert(transition=transition, state="firing")},
            notified_at=AT,
        )

    found = board(told("chat", 2), told("pager", 1))
    assert [each.receiver for each in found.told(changed())] == ["chat"]
