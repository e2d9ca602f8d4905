"""When a refresh has ended: every target built, or failed for good."""

from datetime import date

from shared.contracts.builds import BuildStarted
from shared.contracts.days import Days
from shared.runtime.refreshing import Refresh, wave_of
from tests.unit.runtime.test_waves import at, commit, failed, started, succeeded

MINE, OTHER = wave_of("01a2"), wave_of("01a3")


def refresh() -> Refresh:
    return Refresh("01a2", ("staging.orders", "core.orders"), at(0))


def test_it_ends_when_every_target_was_built() -> None:
    one = refresh()
    assert one.take(started("a", "core.orders", MINE, 0)) is not None
    assert list(one.waiting) == ["staging.orders", "core.orders"]
    one.take(succeeded("a", "core.orders", MINE, 1))
    assert list(one.waiting) == ["staging.orders"]
    one.take(succeeded("b", "staging.orders", MINE, 2))
    assert not one.waiting
    assert not one.failed


def test_a_failure_that_is_tried_again_is_no_end() -> None:
    one = refresh()
    assert one.take(failed("a", "core.orders", MINE, 1, again=True)) is not None
    assert "core.orders" in one.waiting
    one.take(failed("b", "core.orders", MINE, 2, again=False))
    assert [each.build_id for each in one.failed] == ["b"]
    assert one.waiting == ("staging.orders",)


def test_builds_of_other_waves_and_tables_say_nothing() -> None:
    one = refresh()
    for event in (
        succeeded("a", "core.orders", OTHER, 1),
        succeeded("b", "core.orders", "raw.orders/3", 1),
        succeeded("c", "marts.daily", MINE, 1),
        commit("core.orders", 3, 1, 10),
    ):
        assert one.take(event) is None
    assert one.waiting == ("staging.orders", "core.orders")


def test_what_is_told_twice_is_told_once() -> None:
    one = refresh()
    event = succeeded("a", "core.orders", MINE, 1)
    assert one.take(event) is event
    assert one.take(event) is None


def full(build: str, target: str, wave: str, seconds: float) -> BuildStarted:
    return started(build, target, wave, seconds).model_copy(update={"full": True})


def test_a_full_build_that_began_later_counts_whoever_asked_for_it() -> None:
    one = refresh()
    assert one.take(full("a", "core.orders", OTHER, 1)) is not None
    assert one.take(succeeded("a", "core.orders", OTHER, 2)) is not None
    assert list(one.waiting) == ["staging.orders"]


def test_a_build_that_began_before_or_builds_only_changes_does_not_count() -> None:
    one = refresh()
    for event in (
        full("a", "core.orders", OTHER, -1),
        succeeded("a", "core.orders", OTHER, 2),
        started("b", "core.orders", OTHER, 3),
        succeeded("b", "core.orders", OTHER, 4),
    ):
        assert one.take(event) is None
    assert "core.orders" in one.waiting


JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))


def of_days(build: str, days: Days, seconds: float) -> BuildStarted:
    told = {"first_day": days.first, "last_day": days.last}
    return started(build, "core.orders", OTHER, seconds).model_copy(update=told)


def test_a_refresh_of_some_days_ends_with_a_later_build_of_at_least_these() -> None:
    for begun in (
        of_days("a", Days(None, JANUARY.last), 1),
        of_days("a", JANUARY, 1),
        full("a", "core.orders", OTHER, 1),
    ):
        one = Refresh("01a2", ("core.orders",), at(0), JANUARY)
        assert one.take(begun) is begun
        one.take(succeeded("a", "core.orders", OTHER, 2))
        assert not one.waiting


def test_other_days_earlier_builds_and_days_of_a_full_refresh_do_not_count() -> None:
    for begun, days in (
        (of_days("a", Days(JANUARY.first, JANUARY.first), 1), JANUARY),
        (of_days("a", JANUARY, -1), JANUARY),
        (started("a", "core.orders", OTHER, 1), JANUARY),
        (of_days("a", Days(None, JANUARY.last), 1), None),
    ):
        one = Refresh("01a2", ("core.orders",), at(0), days)
        assert one.take(begun) is None
        assert one.take(succeeded("a", "core.orders", OTHER, 2)) is None


def test_it_waits_for_the_full_build_that_a_table_needs_first() -> None:
    one = Refresh("01a2", ("core.orders",), at(0), JANUARY)
    one.take(started("a", "core.orders", MINE, 1))
    looked = succeeded("a", "core.orders", MINE, 2).model_copy(update={"to_be_rebuilt": True})
    assert one.take(looked) is looked
    assert list(one.waiting) == ["core.orders"]
    one.take(full("b", "core.orders", MINE, 3))
    one.take(succeeded("b", "core.orders", MINE, 4))
    assert not one.waiting
