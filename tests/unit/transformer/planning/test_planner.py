"""Which build starts when: one at a time of a table, coalesced, inputs first, failures apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType

import pytest

from services.transformer.planning.planner import Planner
from services.transformer.planning.precedence import HOLD_S
from services.transformer.planning.wishes import Patience, Start, Wish
from services.transformer.request import Stage
from shared.contracts.builds import Cause
from shared.contracts.days import Days
from shared.tables.spec import Column, Derivation, Kind, TableSpec, Type

PATIENCE = Patience(attempts=3, first_s=1.0, longest_s=8.0, pause_s=60.0)


def spec(name: str, *reads: str) -> TableSpec:
    return TableSpec(
        name,
        () if reads else ("shop.events",),
        (Column("id", Type.LONG, 1),),
        None,
        "A table.",
        derived=Derivation(Kind.GROUP, reads, ("id",)) if reads else None,
    )


# raw → staging → orders ─┬→ first ─┬→ summary
#                         └─────────┘
TABLES = MappingProxyType(
    {
        each.name: each
        for each in (
            spec("x.raw"),
            spec("x.summary", "x.orders", "x.first"),
            spec("x.first", "x.orders"),
            spec("x.orders", "x.staging"),
            spec("x.staging", "x.raw"),
        )
    }
)


def planner(workers: int = 2) -> Planner:
    made = Planner(TABLES, workers, PATIENCE)
    made.own(made.targets)
    return made


def wish(
    *triggers: str, wave: str = "x.raw/1", since: float = 0.0, cause: Cause = "commit"
) -> Wish:
    return Wish(cause, "asked for", wave, since, frozenset(triggers))


def started(starts: list[Start]) -> list[tuple[str, Stage]]:
    return [(start.target, start.stage) for start in starts]


def test_what_nobody_wants_is_not_built() -> None:
    assert planner().starts(0.0) == []


def test_targets_are_the_derived_tables_behind_what_they_read() -> None:
    assert planner().targets == ("x.staging", "x.orders", "x.first", "x.summary")


def test_a_table_is_built_once_at_a_time_and_what_came_meanwhile_is_one_build() -> None:
    made = planner()
    made.want("x.staging", wish(wave="x.raw/1"))
    (first,) = made.starts(0.0)
    for number in (2, 3, 4):
        made.want("x.staging", wish(wave=f"x.raw/{number}"))
    assert made.starts(0.0) == []
    made.succeeded(first)
    (second,) = made.starts(0.0)
    assert second.wish.wave == "x.raw/2", "named after the oldest"
    made.succeeded(second)
    assert made.starts(0.0) == []


def test_a_wave_that_has_begun_is_brought_to_its_end_before_the_next_one() -> None:
    """However often inputs are asked for meanwhile; what asks is one build of them at the end."""
    made = planner(workers=1)
    made.want("x.staging", replace(wish(since=5.0), begun=5.0))
    made.want("x.summary", replace(wish(since=9.0), begun=1.0))
    made.want("x.orders", replace(wish(since=8.0), begun=2.0))
    order = []
    while begun := made.starts(100.0):
        order += [start.target for start in begun]
        for start in begun:
            made.succeeded(start)
    assert order == ["x.summary", "x.orders", "x.staging"]


def test_a_wish_is_as_old_as_the_oldest_wave_that_it_brings_on() -> None:
    made = planner(workers=1)
    made.want("x.first", replace(wish(since=1.0), begun=0.5))
    made.want("x.summary", replace(wish(since=2.0), begun=2.0))
    made.want("x.summary", replace(wish(since=3.0), begun=0.1))
    assert started(made.starts(100.0)) == [("x.summary", Stage.LIVE)]


def test_of_one_wave_what_most_tables_wait_for_comes_first() -> None:
    tables = {**TABLES, "x.aside": spec("x.aside", "x.raw")}
    made = Planner(dict(sorted(tables.items())), 1, PATIENCE)
    made.own(made.targets)
    for target in ("x.aside", "x.staging"):
        made.want(target, wish())
    assert started(made.starts(100.0)) == [("x.staging", Stage.LIVE)]


def asked(*commits: tuple[str, int]) -> Wish:
    return replace(wish(*(table for table, _ in commits)), asked=frozenset(commits))


def test_a_commit_that_a_build_has_seen_asks_for_no_other_one() -> None:
    """Its request may come while that build runs, or after it."""
    made = planner()
    made.want("x.summary", asked(("x.orders", 7)))
    (running,) = made.starts(0.0)
    made.want("x.summary", asked(("x.first", 3)))
    made.succeeded(running, sources={"x.orders": 7, "x.first": 3})
    made.want("x.summary", asked(("x.orders", 7)))
    assert made.starts(9.0) == []


def test_a_commit_that_a_build_has_not_seen_is_built_next() -> None:
    made = planner()
    made.want("x.summary", asked(("x.orders", 7)))
    (running,) = made.starts(0.0)
    made.want("x.summary", asked(("x.first", 3), ("x.orders", 7)))
    made.succeeded(running, sources={"x.orders": 7, "x.first": 2})
    assert started(made.starts(9.0)) == [("x.summary", Stage.LIVE)]


def test_what_no_commit_asked_for_is_built_whatever_the_last_build_saw() -> None:
    made = planner()
    made.want("x.summary", asked(("x.orders", 7)))
    (running,) = made.starts(0.0)
    made.want("x.summary", asked(("x.orders", 7)))
    made.want("x.summary", wish(cause="reconcile"))
    made.succeeded(running, sources={"x.orders": 7})
    assert started(made.starts(9.0)) == [("x.summary", Stage.LIVE)]


def test_what_a_former_owner_has_seen_is_not_known() -> None:
    made = planner()
    made.want("x.summary", asked(("x.orders", 7)))
    (running,) = made.starts(0.0)
    made.succeeded(running, sources={"x.orders": 7})
    made.own(())
    made.own(made.targets)
    made.want("x.summary", asked(("x.orders", 7)))
    assert started(made.starts(9.0)) == [("x.summary", Stage.LIVE)]


def test_inputs_come_first_when_workers_are_short() -> None:
    made = planner(workers=1)
    for target in ("x.summary", "x.orders", "x.staging"):
        made.want(target, wish())
    order = []
    while begun := made.starts(100.0):
        order += [start.target for start in begun]
        for start in begun:
            made.succeeded(start)
    assert order == ["x.staging", "x.orders", "x.summary"]


def test_a_table_waits_for_the_longer_way_from_the_same_commit() -> None:
    made = planner()
    made.want("x.first", wish("x.orders"))
    made.want("x.summary", wish("x.orders"))
    (first,) = made.starts(0.0)
    assert first.target == "x.first"
    made.succeeded(first)
    made.want("x.summary", wish("x.first"))
    (summary,) = made.starts(0.1)
    assert summary.target == "x.summary"
    assert summary.wish.triggers == {"x.orders", "x.first"}


def test_two_ways_from_one_commit_meet_in_one_build() -> None:
    """A diamond whose sides commit by themselves."""
    sides = {
        each.name: each
        for each in (spec("x.short", "x.orders"), spec("x.end", "x.short", "x.first"))
    }
    made = Planner({**TABLES, **sides}, 3, PATIENCE)
    made.own(made.targets)
    made.want("x.first", wish("x.orders"))
    made.starts(0.0)
    made.want("x.end", wish("x.short"))
    assert made.starts(0.0) == []


def test_it_does_not_wait_for_ever() -> None:
    made = planner()
    made.want("x.first", wish("x.orders"))
    made.want("x.summary", wish("x.orders"))
    made.starts(0.0)
    assert made.wake_at(0.0) == HOLD_S
    assert started(made.starts(HOLD_S)) == [("x.summary", Stage.LIVE)]


def test_it_does_not_wait_for_a_table_that_fails() -> None:
    made = planner()
    made.want("x.first", wish("x.orders"))
    (first,) = made.starts(0.0)
    made.failed(first, 0.0)
    made.want("x.summary", wish("x.orders"))
    assert started(made.starts(0.0)) == [("x.summary", Stage.LIVE)]


def test_a_chain_is_not_held_up_by_the_next_commit_of_its_head() -> None:
    made = planner()
    made.want("x.staging", replace(wish("x.raw"), begun=2.0))
    made.starts(0.0)
    made.want("x.orders", replace(wish("x.staging"), begun=1.0))
    assert started(made.starts(0.0)) == [("x.orders", Stage.LIVE)]


def test_a_wish_of_two_waves_waits_for_both_ways_of_the_younger_one() -> None:
    """The older wave has come by one way, and asks for a build of its own only later."""
    made = planner()
    made.want("x.first", replace(wish("x.orders"), begun=1.0))
    made.starts(0.0)
    made.want("x.summary", replace(wish("x.orders", "x.first"), begun=1.0))
    assert made.starts(0.0) == []


def test_the_next_wave_waits_until_the_one_before_is_through() -> None:
    made = planner()
    made.want("x.orders", replace(wish("x.staging"), begun=1.0))
    made.want("x.staging", replace(wish("x.raw", since=2.0), begun=2.0))
    (orders,) = made.starts(2.0)
    assert orders.target == "x.orders"
    made.want("x.first", replace(wish("x.orders"), begun=1.0))
    made.succeeded(orders)
    (first,) = made.starts(2.0)
    made.succeeded(first)
    assert started(made.starts(2.0)) == [("x.staging", Stage.LIVE)]


@pytest.mark.parametrize("cause", ["refresh", "tick", "reconcile"])
def test_what_follows_from_a_wave_of_its_own_is_named_after_the_commit(cause: Cause) -> None:
    made = planner()
    made.want("x.orders", wish(cause=cause, wave=f"{cause}/1"))
    (orders,) = made.starts(0.0)
    made.succeeded(orders)
    made.committed(orders, 70, 17, 0.0)
    (first,) = made.starts(0.0)
    assert (first.wish.cause, first.wish.wave) == ("commit", "x.orders/17")


def test_a_build_that_runs_for_long_is_waited_for_no_longer() -> None:
    """Neither by the next wave, nor at each step of its way anew."""
    made = planner()
    made.want("x.summary", replace(wish("x.first"), begun=1.0))
    made.starts(1.0)
    made.want("x.staging", replace(wish("x.raw", since=2.0), begun=2.0))
    assert made.starts(2.0) == []
    assert made.wake_at(2.0) == 1.0 + HOLD_S
    (staging,) = made.starts(1.0 + HOLD_S)
    made.succeeded(staging)
    made.committed(staging, 7, 3, 7.0)
    assert started(made.starts(7.0)) == [("x.orders", Stage.LIVE)]


def test_the_older_of_two_waves_is_next_when_the_only_worker_is_free() -> None:
    made = planner(workers=1)
    made.want("x.first", replace(wish("x.orders"), begun=1.0))
    made.want("x.summary", replace(wish("x.orders", since=3.0), begun=2.0))
    made.want("x.staging", replace(wish("x.raw", since=3.0), begun=3.0))
    (first,) = made.starts(3.0)
    assert first.target == "x.first"
    made.succeeded(first)
    assert started(made.starts(3.0)) == [("x.summary", Stage.LIVE)]


def test_no_wave_waits_for_a_table_that_cannot_be_built_live() -> None:
    """Its code has changed, say, and its rebuild fails: what is wanted of it stays wanted."""
    made = planner()
    made.want("x.summary", replace(wish("x.first"), begun=1.0))
    (live,) = made.starts(1.0)
    made.succeeded(live, rebuild="its code changed")
    (rebuild,) = made.starts(1.0)
    made.failed(rebuild, 1.0)
    made.want("x.summary", replace(wish("x.first"), begun=1.0))
    made.want("x.staging", replace(wish("x.raw", since=1.5), begun=1.5))
    assert started(made.starts(1.5)) == [("x.staging", Stage.LIVE)]


def test_a_rebuild_that_is_to_be_published_is_not_asked_for_again() -> None:
    made = planner()
    made.want("x.orders", wish())
    (live,) = made.starts(0.0)
    made.want_rebuild("x.orders", REFRESH)
    (rebuild,) = made.starts(0.0)
    made.succeeded(rebuild)
    made.succeeded(live, rebuild="its code changed")
    (publish,) = made.starts(0.0)
    assert publish.stage is Stage.PUBLISH
    made.succeeded(publish)
    assert made.starts(0.0) == []


def test_waves_that_begin_at_nearly_the_same_time_do_not_wait_in_a_circle() -> None:
    made = planner(workers=1)
    for target, begun in (("x.summary", 1.00), ("x.first", 1.04), ("x.orders", 1.08)):
        made.want(target, replace(wish(since=1.1), begun=begun))
    assert started(made.starts(1.1)) == [("x.summary", Stage.LIVE)]


def test_no_wave_waits_for_a_table_that_fails() -> None:
    made = planner()
    made.want("x.summary", replace(wish("x.first"), begun=1.0))
    (summary,) = made.starts(1.0)
    made.failed(summary, 1.0)
    made.want("x.staging", replace(wish("x.raw", since=1.5), begun=1.5))
    assert started(made.starts(1.5)) == [("x.staging", Stage.LIVE)]


def test_a_table_waits_for_no_younger_wave() -> None:
    made = planner()
    made.want("x.first", replace(wish("x.orders"), begun=2.0))
    made.want("x.summary", replace(wish("x.orders"), begun=1.0))
    assert started(made.starts(0.0)) == [("x.summary", Stage.LIVE)]


@pytest.mark.parametrize(("workers", "begins"), [(2, False), (3, True)])
def test_the_last_free_worker_is_left_to_the_oldest_wave(workers: int, *, begins: bool) -> None:
    """Also by tables that have nothing to do with it, for it will need a worker soon."""
    made = Planner({**TABLES, "x.aside": spec("x.aside", "x.raw")}, workers, PATIENCE)
    made.own(made.targets)
    made.want("x.orders", replace(wish("x.staging"), begun=1.0))
    made.starts(1.0)
    made.want("x.aside", replace(wish("x.raw", since=2.0), begun=2.0))
    assert bool(made.starts(2.0)) is begins
    assert started(made.starts(2.0 + HOLD_S)) == ([] if begins else [("x.aside", Stage.LIVE)])


def test_what_reads_a_table_is_wanted_as_soon_as_its_build_has_committed() -> None:
    made = planner()
    made.want("x.orders", replace(wish("x.staging", wave="x.raw/7"), begun=1.0))
    (orders,) = made.starts(2.0)
    made.succeeded(orders)
    made.committed(orders, 70, 17, 3.0)
    (first,) = made.starts(3.0)
    assert (first.target, first.wish.wave, first.wish.begun) == ("x.first", "x.raw/7", 1.0)
    made.want("x.first", asked(("x.orders", 70)))
    made.succeeded(first, sources={"x.orders": 70})
    made.committed(first, 71, 18, 4.0)
    (summary,) = made.starts(4.0)
    assert summary.target == "x.summary"
    assert summary.wish.asked == frozenset((("x.orders", 70), ("x.first", 71)))


def test_pauses_grow_until_it_is_given_up() -> None:
    made, now, pauses = planner(), 0.0, []
    made.want("x.staging", wish())
    for attempt in (1, 2, 3):
        (start,) = made.starts(now)
        assert start.attempt == attempt
        failure = made.failed(start, now)
        pauses.append((failure.delay_s, failure.will_retry))
        assert made.starts(now + failure.delay_s - 0.01) == []
        now += failure.delay_s
    assert pauses == [(1.0, True), (2.0, True), (60.0, False)]
    assert made.starts(now) == [], "given up: nobody has asked again"


def test_what_was_given_up_is_tried_again_at_the_next_wish_after_a_longer_pause() -> None:
    made = planner()
    made.want("x.staging", wish())
    now = 0.0
    for _ in range(PATIENCE.attempts):
        (start,) = made.starts(now)
        now += made.failed(start, now).delay_s
    gave_up_at = now - PATIENCE.pause_s
    made.want("x.staging", wish(wave="x.raw/9"))
    assert made.starts(gave_up_at + 1) == []
    assert made.wake_at(gave_up_at + 1) == now
    (start,) = made.starts(now)
    assert (start.attempt, start.wish.wave) == (1, "x.raw/9")


def test_a_failure_keeps_the_wave_and_takes_in_what_came_meanwhile() -> None:
    made = planner()
    made.want("x.staging", wish("x.raw", wave="x.raw/1"))
    (start,) = made.starts(0.0)
    made.want("x.staging", wish("x.raw", wave="x.raw/2"))
    made.failed(start, 0.0)
    (again,) = made.starts(1.0)
    assert (again.wish.wave, again.attempt) == ("x.raw/1", 2)
    made.succeeded(again)
    assert made.starts(1.0) == []


def test_a_table_that_fails_holds_up_no_other() -> None:
    made = planner()
    made.want("x.staging", wish())
    (start,) = made.starts(0.0)
    made.failed(start, 0.0)
    made.want("x.first", wish())
    assert started(made.starts(0.0)) == [("x.first", Stage.LIVE)]


def test_targets_of_others_are_neither_wanted_nor_started() -> None:
    made = planner()
    made.want("x.orders", wish())
    assert made.own({"x.staging"}) == frozenset()
    made.want("x.first", wish())
    assert made.starts(0.0) == []
    assert made.own({"x.staging", "x.orders"}) == {"x.orders"}
    assert made.starts(0.0) == [], "what was wanted before is looked up again by the owner"


def test_a_build_under_way_may_end_after_its_target_has_gone() -> None:
    made = planner()
    made.want("x.staging", wish())
    (start,) = made.starts(0.0)
    made.own(())
    assert not made.failed(start, 0.0).will_retry
    made.own({"x.staging"})
    made.want("x.staging", wish())
    (again,) = made.starts(0.0)
    assert again.attempt == 1


REFRESH = wish(cause="refresh", wave="refresh/1")


def test_live_builds_go_on_beside_a_refresh_until_it_publishes() -> None:
    made = planner()
    made.want_rebuild("x.orders", REFRESH)
    (rebuild,) = made.starts(0.0)
    assert rebuild.stage is Stage.REBUILD
    made.want("x.orders", wish())
    (live,) = made.starts(0.0)
    assert not made.succeeded(rebuild)
    made.want("x.orders", wish())
    assert made.starts(0.0) == [], "publishing waits for the live build, the next one for it"
    made.succeeded(live)
    (publish,) = made.starts(0.0)
    assert publish.stage is Stage.PUBLISH
    assert made.starts(0.0) == []
    assert made.succeeded(publish)
    assert started(made.starts(0.0)) == [("x.orders", Stage.LIVE)]
    assert not made.refresh_wanted("x.orders")


def test_a_live_build_that_can_only_ask_for_a_rebuild_is_not_repeated_beside_it() -> None:
    made = planner()
    made.want("x.orders", wish())
    (live,) = made.starts(0.0)
    assert not made.succeeded(live, rebuild="code changed")
    made.want("x.orders", wish())
    (rebuild,) = made.starts(0.0)
    assert (rebuild.stage, rebuild.wish.reason) == (Stage.REBUILD, "code changed")
    made.succeeded(rebuild)
    (publish,) = made.starts(0.0)
    made.succeeded(publish)
    assert started(made.starts(0.0)) == [("x.orders", Stage.LIVE)]


@pytest.mark.parametrize("stage", [Stage.REBUILD, Stage.PUBLISH])
def test_a_rebuild_that_fails_begins_again(stage: Stage) -> None:
    made = planner()
    made.want_rebuild("x.orders", REFRESH)
    (start,) = made.starts(0.0)
    if stage is Stage.PUBLISH:
        made.succeeded(start)
        (start,) = made.starts(0.0)
    assert start.stage is stage
    made.failed(start, 0.0)
    (again,) = made.starts(1.0)
    assert (again.stage, again.attempt) == (Stage.REBUILD, 2)


def test_what_is_asked_for_while_a_rebuild_runs_is_another_one() -> None:
    made = planner()
    made.want_rebuild("x.orders", REFRESH)
    (rebuild,) = made.starts(0.0)
    made.want_rebuild("x.orders", replace(REFRESH, wave="refresh/2"))
    made.succeeded(rebuild)
    (publish,) = made.starts(0.0)
    assert publish.wish.wave == "refresh/1"
    made.succeeded(publish)
    (again,) = made.starts(0.0)
    assert (again.stage, again.wish.wave) == (Stage.REBUILD, "refresh/2")


def test_rebuilds_leave_a_worker_to_live_builds() -> None:
    apart = {each.name: each for each in (spec("y.raw"), spec("y.one", "y.raw"))}
    made = Planner({**TABLES, **apart}, 2, PATIENCE)
    made.own(made.targets)
    made.want_rebuild("x.staging", REFRESH)
    made.want_rebuild("y.one", REFRESH)
    made.want("x.orders", wish())
    begun = started(made.starts(0.0))
    assert sorted(stage for _, stage in begun) == [Stage.LIVE, Stage.REBUILD]


def test_a_single_worker_rebuilds_too() -> None:
    made = planner(workers=1)
    made.want_rebuild("x.staging", REFRESH)
    assert started(made.starts(0.0)) == [("x.staging", Stage.REBUILD)]


def test_what_reads_a_table_is_rebuilt_after_it() -> None:
    made = planner(workers=4)
    for target in ("x.orders", "x.staging"):
        made.want_rebuild(target, REFRESH)
    (staging,) = made.starts(0.0)
    made.succeeded(staging)
    (publish,) = made.starts(0.0)
    made.succeeded(publish)
    assert started(made.starts(0.0)) == [("x.orders", Stage.REBUILD)]


def test_conditions_are_told() -> None:
    made = planner()
    made.want("x.staging", wish())
    (start,) = made.starts(0.0)
    made.want("x.orders", wish())
    made.want_rebuild("x.first", REFRESH)
    assert made.conditions(0.0) == {
        "x.staging": "building",
        "x.orders": "dirty",
        "x.first": "clean; rebuild dirty",
        "x.summary": "clean",
    }
    made.failed(start, 0.0)
    assert made.conditions(0.0)["x.staging"] == "backing off"


def test_inputs_that_never_rest_do_not_keep_the_rest_waiting() -> None:
    """With every worker taken by staging, what reads it would never be built."""
    made = planner(workers=1)
    made.want("x.staging", wish("x.raw", since=0.0))
    (staging,) = made.starts(0.0)
    made.want("x.orders", wish("x.staging", since=1.0))
    made.want("x.staging", wish("x.raw", since=2.0))
    made.succeeded(staging)

    assert started(made.starts(3.0)) == [("x.orders", Stage.LIVE)]


def test_of_what_was_asked_for_at_once_inputs_come_first() -> None:
    made = planner(workers=1)
    made.want("x.orders", wish(since=1.0, cause="reconcile"))
    made.want("x.staging", wish(since=1.0, cause="reconcile"))

    assert started(made.starts(1.0 + HOLD_S)) == [("x.staging", Stage.LIVE)]


def test_however_often_a_build_fails_its_pause_is_bounded() -> None:
    assert Patience(attempts=10**6).after(5_000).delay_s == 60.0


def test_no_build_is_given_up_because_store_or_catalog_are_away() -> None:
    """When they are back everything is built soon, and nobody is paged for what is over."""
    made = planner(workers=1)
    made.want("x.staging", wish("x.raw", since=0.0))
    now, pauses = 0.0, []
    for _ in range(10):
        (start,) = made.starts(now)
        failure = made.failed(start, now, away=True)
        assert failure.will_retry
        pauses.append(failure.delay_s)
        now += failure.delay_s
    assert pauses == [1.0, 2.0, 4.0, *[8.0] * 7]
    assert Patience().after(100, away=True).delay_s == 15.0


def days(first: int, last: int, wave: str = "refresh/7") -> Wish:
    """A refresh of some days of January, and of nothing else."""
    wanted = Days(date(2026, 1, first), date(2026, 1, last))
    return replace(wish(cause="refresh", wave=wave), asked=frozenset(), days=wanted)


def test_refreshes_of_some_days_are_one_live_build_of_all_between_them() -> None:
    made = planner()
    made.want("x.orders", replace(wish(), asked=frozenset((("x.staging", 7),))))
    made.want("x.orders", days(10, 12))
    made.want("x.orders", days(3, 4, wave="refresh/8"))
    (live,) = made.starts(HOLD_S)
    assert live.stage is Stage.LIVE
    assert live.days == Days(date(2026, 1, 3), date(2026, 1, 12))
    assert live.wish.wave == "refresh/7", "so that it is found under its command"
    assert made.refresh_wanted("x.orders")
    assert made.succeeded(live, sources={"x.staging": 7})
    assert not made.refresh_wanted("x.orders")


def test_days_are_not_held_by_whatever_was_built_before() -> None:
    made = planner()
    made.want("x.orders", wish())
    (live,) = made.starts(0.0)
    made.want("x.orders", days(1, 2))
    made.succeeded(live, sources={"x.staging": 7})
    (again,) = made.starts(0.0)
    assert again.days == days(1, 2).days


def test_of_tables_whose_days_are_refreshed_inputs_come_first_however_long_they_take() -> None:
    made = planner()
    for target in ("x.summary", "x.orders", "x.first"):
        made.want(target, days(1, 2))
    (orders,) = made.starts(0.0)
    assert orders.target == "x.orders"
    assert made.starts(100 * HOLD_S) == []
    made.succeeded(orders)
    (first,) = made.starts(100 * HOLD_S)
    assert first.target == "x.first"
    made.failed(first, 100 * HOLD_S)
    (summary,) = made.starts(100 * HOLD_S)
    assert summary.target == "x.summary", "who waits for another try keeps nobody waiting"


def test_a_rebuild_is_one_of_the_days_that_were_asked_for_before_it_began() -> None:
    made = planner()
    made.want("x.orders", days(1, 2))
    made.want_rebuild("x.orders", wish(cause="refresh", wave="refresh/9"))
    made.want("x.orders", days(3, 4))
    (rebuild,) = made.starts(0.0)
    assert (rebuild.stage, rebuild.days) == (Stage.REBUILD, None)
    made.want("x.orders", days(5, 6))
    (live,) = made.starts(0.0)
    assert live.days == days(5, 6).days, "it may have been read already what is wrong"


def test_what_was_wanted_besides_days_is_built_whatever_a_rebuild_takes_over() -> None:
    made = planner()
    made.want("x.orders", days(1, 2))
    made.want("x.orders", wish("x.staging"))
    made.want_rebuild("x.orders", wish(cause="refresh", wave="refresh/9"))
    assert {(start.stage, start.days) for start in made.starts(HOLD_S)} == {
        (Stage.REBUILD, None),
        (Stage.LIVE, days(1, 2).days),
    }


def test_days_of_a_table_that_must_be_built_in_full_are_part_of_that() -> None:
    made = planner()
    made.want("x.orders", days(1, 2))
    (live,) = made.starts(0.0)
    assert not made.succeeded(live, rebuild="code changed")
    assert made.refresh_wanted("x.orders")
    made.want("x.orders", wish())
    (rebuild,) = made.starts(0.0)
    assert (rebuild.stage, rebuild.wish.wave) == (Stage.REBUILD, "refresh/7")
    assert not made.succeeded(rebuild)
    (publish,) = made.starts(0.0)
    assert made.succeeded(publish)
    assert not made.refresh_wanted("x.orders")
