"""What waits for a receiver: the newest state of each group, and never one end less."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerter.delivery.backlog import Backlog, Failed, Offered, tells_end
from services.alerter.delivery.retrying import Pace
from tests.support.notifications import alert, notification

PACE = Pace(first_s=1, longest_s=8, attempts=3, rest_s=100, waiting=3)
FIRING = notification([alert(table="a")], group="table=a")
OVER = notification([alert(table="a", state="resolved", transition=3)], group="table=a")
OTHER = notification([alert(table="b")], group="table=b")


def test_the_same_is_sent_once_however_often_it_is_offered() -> None:
    backlog = Backlog(PACE)

    assert backlog.offer(FIRING, 0) is Offered.WAITING
    assert backlog.offer(FIRING, 0) is Offered.KNOWN
    assert backlog.take(0) == FIRING
    assert backlog.offer(FIRING, 1) is Offered.KNOWN
    backlog.delivered()
    assert backlog.offer(FIRING, 2) is Offered.KNOWN
    assert backlog.take(2) is None


def test_once_it_is_not_due_any_more_the_same_may_become_due_anew() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.take(0)
    backlog.delivered()
    backlog.keep([])

    assert backlog.offer(FIRING, 5) is Offered.WAITING


def test_a_newer_state_takes_the_place_of_an_older_one() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.offer(OTHER, 0)

    assert backlog.offer(OVER, 1) is Offered.COALESCED
    assert [backlog.take(1), len(backlog)] == [OTHER, 2]
    backlog.delivered()
    assert backlog.take(1) == OVER


def test_what_fails_waits_longer_each_time_and_others_go_first() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.offer(OTHER, 0)
    backlog.take(0)

    assert backlog.failed(0, again=True, chance=1) is Failed.AGAIN
    assert backlog.take(0) == OTHER
    backlog.delivered()
    assert backlog.wait(0) == 1
    assert backlog.take(0.9) is None
    assert backlog.take(1) == FIRING
    backlog.failed(1, again=True, chance=1)
    assert backlog.wait(1) == 2


def test_after_so_many_attempts_it_rests_until_it_is_offered_again() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    ends = []
    for now in (0, 10, 20):
        assert backlog.take(now) == FIRING
        ends.append(backlog.failed(now, again=True, chance=0))

    assert ends == [Failed.AGAIN, Failed.AGAIN, Failed.GIVEN_UP]
    assert backlog.wait(20) is None
    assert backlog.offer(FIRING, 119) is Offered.KNOWN
    assert backlog.offer(FIRING, 120) is Offered.WAITING


def test_what_is_refused_for_good_rests_at_once() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.take(0)

    assert backlog.failed(0, again=False, chance=0) is Failed.GIVEN_UP
    assert backlog.offer(OVER, 1) is Offered.WAITING, "what is newer may be taken"


def test_an_end_is_never_given_up() -> None:
    backlog = Backlog(PACE)
    backlog.offer(OVER, 0)
    now = 0.0
    for again in [True] * 20 + [False] * 5:
        assert backlog.take(now) == OVER
        assert backlog.failed(now, again=again, chance=1) is Failed.AGAIN
        wait = backlog.wait(now)
        assert wait is not None
        assert wait <= (PACE.longest_s if again else PACE.rest_s)
        now += wait


def test_an_older_state_that_fails_is_not_tried_again_beside_a_newer_one() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.take(0)
    backlog.offer(OVER, 1)

    assert backlog.failed(2, again=True, chance=1) is Failed.OUTDATED
    assert backlog.take(2) == OVER


def test_what_came_between_two_offers_of_the_same_is_forgotten() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.take(0)
    backlog.offer(OVER, 1)

    assert backlog.offer(FIRING, 2) is Offered.KNOWN
    backlog.delivered()
    assert backlog.take(2) is None


def test_groups_of_which_nothing_is_to_be_told_any_more_are_withdrawn() -> None:
    backlog = Backlog(PACE)
    backlog.offer(FIRING, 0)
    backlog.offer(OTHER, 0)

    assert backlog.keep([OTHER]) == 1
    assert backlog.groups == {"table=b"}


def test_when_too_many_groups_wait_an_end_takes_the_place_of_the_newest_that_is_none() -> None:
    backlog = Backlog(PACE)
    for name in "bcd":
        backlog.offer(notification([alert(table=name)], group=f"table={name}"), 0)

    assert backlog.offer(FIRING, 0) is Offered.REFUSED
    assert backlog.offer(OVER, 0) is Offered.WAITING
    assert backlog.groups == {"table=b", "table=c", "table=a"}


def test_the_worst_is_told_first_and_finds_room_whatever_waits() -> None:
    backlog = Backlog(PACE)
    for name in "bcd":
        backlog.offer(notification([alert(table=name, severity="info")], group=f"table={name}"), 0)
    bad = notification([alert(table="x", severity="critical")], group="table=x")

    assert backlog.offer(FIRING, 1) is Offered.WAITING, "a warning is worse than an info"
    assert backlog.offer(bad, 2) is Offered.WAITING
    assert backlog.groups == {"table=a", "table=b", "table=x"}
    assert [backlog.take(2), backlog.failed(2, again=True, chance=1)] == [bad, Failed.AGAIN]
    told = []
    while (each := backlog.take(3)) is not None:
        told.append(each.group)
        backlog.delivered()
    assert told == ["table=x", "table=a", "table=b"]


def test_an_end_is_not_driven_out_by_what_is_worse() -> None:
    backlog = Backlog(PACE)
    for name in "bcd":
        over = alert(table=name, severity="info", state="resolved", transition=3)
        backlog.offer(notification([over], group=f"table={name}"), 0)
    bad = notification([alert(table="x", severity="critical")], group="table=x")

    assert backlog.offer(bad, 0) is Offered.REFUSED


OFFERS = st.tuples(st.just("offer"), st.sampled_from("abcde"), st.integers(1, 6))
STEPS = st.one_of(OFFERS, st.tuples(st.sampled_from(["taken", "again", "never"])))


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=60))
def test_every_end_that_stays_due_is_delivered_in_the_end(steps: list[tuple[object, ...]]) -> None:
    """Whatever fails on the way: the last state of each group is sent, if an end is in it."""
    backlog = Backlog(PACE)
    now = 0.0
    last = {}
    delivered = {}
    for step in steps:
        now += 1
        if step[0] == "offer":
            _, table, transition = step
            assert isinstance(table, str)
            assert isinstance(transition, int)
            told = alert(
                table=table,
                transition=transition,
                state="firing" if transition % 2 else "resolved",
            )
            offered = notification([told], group=f"table={table}")
            if backlog.offer(offered, now) is not Offered.REFUSED:
                last[table] = offered
            continue
        taken = backlog.take(now)
        if taken is None:
            continue
        if step[0] == "taken":
            backlog.delivered()
            delivered[taken.group] = taken.idempotency_key
        else:
            backlog.failed(now, again=step[0] == "again", chance=0.5)
    for _ in range(20):
        now += PACE.rest_s
        while (taken := backlog.take(now)) is not None:
            backlog.delivered()
            delivered[taken.group] = taken.idempotency_key
    for each in last.values():
        if tells_end(each):
            assert delivered[each.group] == each.idempotency_key
