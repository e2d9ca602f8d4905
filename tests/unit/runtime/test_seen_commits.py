"""A commit that is announced again is news to nobody; another table of the same name is."""

from __future__ import annotations

from shared.runtime.seen_commits import SeenCommits
from tests.unit.runtime.test_open_waves import landed


def test_a_commit_is_new_once_and_an_older_one_never() -> None:
    seen = SeenCommits()
    assert [seen.first_time(landed(number, number)) for number in (1, 3, 3, 2, 4)] == [
        *(True, True, False, False, True),
    ]


def test_a_table_made_anew_begins_again() -> None:
    seen = SeenCommits()
    assert seen.first_time(landed(9, 9))
    assert seen.first_time(landed(1, 1).model_copy(update={"uuid": "another"}))
