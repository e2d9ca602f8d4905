"""Growth is judged by the whole run, not by one sample."""

import pytest

from tests.chaos.memory import GROWTH_BYTES, MEBIBYTE, growth


def bounded(*mebibytes: int) -> bool:
    (found,) = growth([{"writer": each * MEBIBYTE} for each in mebibytes])
    return found.bounded


@pytest.mark.parametrize(
    ("samples", "fine"),
    [
        ([200, 210, 190, 205, 220, 210], True),
        ([20, 30, 40, 60, 80, 100], True),
        ([200, 300, 400, 500, 600, 700], False),
        ([200, 210, 900, 205, 220, 210], True),
        ([200, 210, 1100, 205, 220, 210], False),
        ([200], True),
    ],
    ids=["steady", "small", "leak", "a peak that is given back", "beyond the ceiling", "one"],
)
def test_growth(samples: list[int], fine: bool) -> None:
    assert bounded(*samples) is fine


def test_figures_are_medians_of_the_first_and_last_third() -> None:
    samples = [{"broker": each * MEBIBYTE} for each in (10, 20, 30, 1, 1, 1, 40, 50, 60)]
    (found,) = growth(samples)
    assert (found.early_mib, found.late_mib, found.peak_mib) == (20, 50, 60)


def test_a_process_that_was_down_in_a_sample_is_judged_by_the_others() -> None:
    samples = [{"broker": 10 * MEBIBYTE}, {"broker": 0}, {"broker": 10 * MEBIBYTE + GROWTH_BYTES}]
    (found,) = growth(samples)
    assert found.bounded


def test_what_fills_up_to_a_limit_is_held_to_the_ceiling() -> None:
    steps = (200, 300, 400, 500, 600, 700)
    (found,) = growth([{"storage": each * MEBIBYTE} for each in steps])
    assert found.bounded
    (found,) = growth([{"storage": each * 2 * MEBIBYTE} for each in steps])
    assert not found.bounded
