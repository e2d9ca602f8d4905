"""When a refresh has ended: every target built, or failed for good."""

from shared.contracts.builds import BuildStarted
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
