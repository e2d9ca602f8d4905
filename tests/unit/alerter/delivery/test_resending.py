"""What an Alertmanager is told, and how often."""

from typing import Literal

import pytest

from services.alerter.delivery.resending import RESOLVED_FOR_S, ROUNDS_AHEAD, Resending
from tests.support.notifications import alert

FIRING = alert(table="a")
OVER = alert(table="a", state="resolved", transition=3)
OTHER = alert("MinIODown", table="b")
ENDED = OVER.changed_at.timestamp()


def test_a_firing_alert_is_repeated_every_round() -> None:
    resending = Resending(60)
    assert resending.wait(0) is None
    resending.stand([FIRING])

    assert (resending.wait(0), resending.due(0)) == (0, [FIRING])
    resending.sent([FIRING], 0)
    resending.stand([FIRING])
    assert (resending.wait(10), resending.due(59.9)) == (50, [])
    assert resending.due(60) == [FIRING]
    assert resending.ends_at(60) == 60 + ROUNDS_AHEAD * 60


def test_what_was_not_taken_stays_due() -> None:
    resending = Resending(60)
    resending.stand([FIRING, OTHER])
    resending.sent([OTHER], 0)

    assert (resending.wait(5), resending.due(5)) == (0, [FIRING])


def test_a_change_is_told_at_once_and_an_end_for_a_while() -> None:
    resending = Resending(60)
    resending.stand([FIRING])
    resending.sent([FIRING], ENDED)
    resending.stand([OVER])

    assert (resending.wait(ENDED), resending.due(ENDED)) == (0, [OVER])
    resending.sent([OVER], ENDED)
    assert resending.due(ENDED + 60) == [OVER]
    assert resending.due(ENDED + RESOLVED_FOR_S) == []
    assert resending.wait(ENDED + RESOLVED_FOR_S) is None


def test_an_end_that_was_never_taken_is_not_forgotten_however_old() -> None:
    resending = Resending(60)
    resending.stand([FIRING])
    resending.sent([FIRING], 0)
    resending.stand([OVER])
    resending.stand([])  # the board has forgotten it

    assert resending.due(ENDED + 10 * RESOLVED_FOR_S) == [OVER]


@pytest.mark.parametrize("state", ["pending", "inactive"])
def test_an_end_that_nobody_saw_before_it_began_anew_is_told(
    state: Literal["pending", "inactive"],
) -> None:
    resending = Resending(60)
    resending.stand([FIRING])
    resending.sent([FIRING], 0)
    anew = alert(table="a", state=state, transition=5)
    resending.stand([anew])

    (end,) = resending.due(1)
    assert (end.state, end.transition, end.resolved_at) == ("resolved", 3, anew.active_at)
    assert end.fired_at == FIRING.fired_at, "Alertmanager knows it by its beginning"
    resending.sent([end], 1)
    resending.stand([anew])
    assert resending.due(2) == []
    resending.stand([alert(table="a", transition=6)])
    assert [each.transition for each in resending.due(3)] == [6]


def test_what_never_fired_is_not_told() -> None:
    resending = Resending(60)
    resending.stand([alert(table="c", state="pending", transition=1)])
    resending.stand([alert(table="c", state="inactive", transition=2)])

    assert resending.wait(0) is None


def test_alerts_that_went_to_another_alerter_are_forgotten() -> None:
    resending = Resending(60)
    resending.stand([FIRING, OTHER])
    resending.sent([FIRING, OTHER], 0)
    resending.stand([OTHER])

    assert resending.due(60) == [OTHER]


def test_an_end_that_was_told_for_long_stays_told_while_the_board_has_it() -> None:
    resending = Resending(60)
    resending.stand([OVER])
    resending.sent([OVER], ENDED + RESOLVED_FOR_S)
    assert resending.due(ENDED + RESOLVED_FOR_S) == []
    resending.stand([OVER])
    assert resending.wait(ENDED + RESOLVED_FOR_S) is None

    again = FIRING.model_copy(update={"transition": OVER.transition + 1})
    resending.stand([again])
    assert resending.due(ENDED + RESOLVED_FOR_S) == [again]


def test_a_clock_that_is_set_back_does_not_stop_the_rounds() -> None:
    resending = Resending(60)
    resending.stand([FIRING])
    resending.sent([FIRING], 3600)
    assert (resending.wait(10), resending.due(10)) == (0, [FIRING])
