"""The interval between commits."""

import pytest

from services.stream_writer.commit_pace import LONGEST_S, CommitPace


def paced(*seconds: float) -> CommitPace:
    pace = CommitPace(1.0)
    for each in seconds:
        pace.note(each)
    return pace


def test_fast_commits_leave_the_interval_alone() -> None:
    assert paced().interval_s == 1.0
    assert paced(0.1, 0.12, 0.15).interval_s == 1.0


def test_slow_commits_stretch_it_to_five_times_their_duration() -> None:
    assert paced(0.5, 0.6, 0.7).interval_s == pytest.approx(3.0)


def test_a_slow_start_or_one_slow_commit_does_not_count() -> None:
    assert paced(4.0, 3.0).interval_s == 1.0
    assert paced(4.0, 0.1, 0.1, 0.1).interval_s == 1.0


def test_it_never_stretches_without_bound() -> None:
    assert paced(60, 60, 60).interval_s == LONGEST_S


def test_it_recovers() -> None:
    assert paced(2, 2, 2, 0.1, 0.1, 0.1).interval_s == 1.0
