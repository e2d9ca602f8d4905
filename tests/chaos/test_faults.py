"""The plan: a seed decides everything, and no kind of fault is left to chance."""

from collections import Counter

import pytest

from tests.chaos.faults import (
    BROKER,
    BUILD_WORKERS,
    KEEPERS,
    SESSION_S,
    STORAGE,
    TARGETS,
    TRANSFORMERS,
    WRITERS,
    Fault,
    Kind,
    Round,
    plan,
)

SEEDS = range(50)


def faults(rounds: list[Round]) -> list[Fault]:
    return [fault for each in rounds for fault in each.faults]


def test_the_same_seed_plans_the_same() -> None:
    assert plan(7, 30) == plan(7, 30)
    assert plan(7, 30) != plan(8, 30)


def test_a_longer_run_begins_as_the_shorter_one() -> None:
    """But for the end, which is always calm: so a violation in round 150 is met again in 150."""
    assert plan(7, 200)[:19] == plan(7, 20)[:19]


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_rounds_meet_every_fault(seed: int) -> None:
    dealt = faults(plan(seed, 20))
    kills = Counter(fault.targets for fault in dealt if fault.kind is Kind.KILL)
    assert all(kills[target,] >= 2 for target in TARGETS), kills
    assert all(kills[target,] >= 1 for target in BUILD_WORKERS), kills
    paused = {fault.targets[0] for fault in dealt if fault.kind is Kind.PAUSE}
    assert paused >= set(TARGETS)
    assert paused & set(BUILD_WORKERS)
    asleep = {fault.targets[0] for fault in dealt if fault.zombie}
    assert asleep & set(WRITERS)
    assert asleep & set(TRANSFORMERS)
    assert asleep & set(KEEPERS)
    assert asleep <= {*WRITERS, *TRANSFORMERS, *KEEPERS}
    assert any(fault.kind is Kind.KILL_TWO for fault in dealt)
    full = {fault.targets for fault in dealt if fault.kind is Kind.DISK_FULL}
    assert full == {(BROKER,), (STORAGE,)}


@pytest.mark.parametrize("seed", SEEDS)
def test_eight_rounds_kill_everybody_and_meet_every_kind(seed: int) -> None:
    dealt = faults(plan(seed, 8))
    killed = {fault.targets for fault in dealt if fault.kind is Kind.KILL}
    assert killed >= {(target,) for target in TARGETS}
    assert killed & {(target,) for target in BUILD_WORKERS}
    asleep = {fault.targets[0] for fault in dealt if fault.zombie}
    assert asleep & set(WRITERS)
    assert asleep & {*TRANSFORMERS, *KEEPERS}
    assert any(fault.kind is Kind.KILL_TWO for fault in dealt)
    full = {fault.targets for fault in dealt if fault.kind is Kind.DISK_FULL}
    assert full == {(BROKER,), (STORAGE,)}


@pytest.mark.parametrize("seed", SEEDS)
def test_rounds_are_as_promised(seed: int) -> None:
    rounds = plan(seed, 40)
    assert [each.number for each in rounds] == list(range(1, 41))
    assert rounds[-1].calm
    for each in rounds:
        assert 1 <= len(each.faults) <= 3
        assert each.number % 5 != 0 or each.calm, "what was hurt recovers every five rounds"
    for fault in faults(rounds):
        assert 0 <= fault.after_s <= 1
        assert 0 <= fault.lasts_s <= SESSION_S + 7
        assert len(set(fault.targets)) == (2 if fault.kind is Kind.KILL_TWO else 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_keeps_a_zombie_from_coming_back(seed: int) -> None:
    for each in plan(seed, 40):
        for zombie in (fault for fault in each.faults if fault.zombie):
            assert each.calm
            others = [fault for fault in each.faults if not fault.zombie]
            assert not [fault for fault in others if zombie.targets[0] in fault.targets]


def test_a_disk_that_cannot_be_made_full_is_left_out() -> None:
    dealt = faults(plan(7, 100, frozenset({BROKER})))
    full = {fault.targets for fault in dealt if fault.kind is Kind.DISK_FULL}
    assert full == {(STORAGE,)}
