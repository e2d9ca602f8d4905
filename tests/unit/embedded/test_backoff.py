"""Backoff: patient with what keeps dying, quick with what was healthy."""

import pytest

from deploy.embedded.backoff import (
    FIRST_SECONDS,
    HEALTHY_AFTER_SECONDS,
    LONGEST_SECONDS,
    delay,
    failures_after,
)


def test_nothing_is_waited_for_without_failures() -> None:
    assert delay(0) == 0


def test_each_failure_doubles_the_wait() -> None:
    assert [delay(n) for n in (1, 2, 3, 4)] == [FIRST_SECONDS * 2**n for n in range(4)]


@pytest.mark.parametrize("failures", [8, 100, 10**9])
def test_the_wait_has_a_limit(failures: int) -> None:
    assert delay(failures) == LONGEST_SECONDS


def test_a_process_that_died_young_counts_up() -> None:
    assert failures_after(3, ran_seconds=HEALTHY_AFTER_SECONDS - 1) == 4


def test_a_process_that_was_healthy_starts_counting_anew() -> None:
    assert failures_after(9, ran_seconds=HEALTHY_AFTER_SECONDS) == 1
