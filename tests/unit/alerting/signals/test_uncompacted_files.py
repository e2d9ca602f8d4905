"""Files that compaction leaves as they are raise no alarm; those that pile up do."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from shared.alerting.series import labels
from shared.alerting.signals.uncompacted_files import UNCOMPACTED, UncompactedFiles
from shared.contracts.event import Event
from shared.contracts.maintenance import Figures
from tests.unit.alerting.signals.histories import RAW, TABLES, commit, maintained, unmaintained


def source(*events: Event) -> UncompactedFiles:
    found = UncompactedFiles(TABLES)
    for topic in found.reads:
        found.caught_up(topic)
    for event in events:
        found.event(event)
    return found


def files(found: UncompactedFiles) -> float | None:
    return found.vectors(0)[UNCOMPACTED].get(labels(layer="raw", table=RAW))


def has(number: int, total: int | None, **more: Any) -> Event:
    """After this commit, at this second, the table has so many files."""
    return commit(RAW, number, total_files=total, **more)


def left(seconds: float, total: int | None, **more: Any) -> Event:
    """A compaction left so many files, or had nothing to do about them."""
    return maintained(RAW, seconds, after=Figures(data_files=total), **more)


def test_all_files_count_where_nobody_has_told_of_a_compaction() -> None:
    """As in a platform without maintainer, or where nobody ever compacted."""
    assert files(source()) is None
    assert files(source(has(1, 120))) == 120
    assert files(source(has(1, None))) is None


def test_a_file_of_each_day_is_as_it_should_be_and_what_comes_after_it_counts() -> None:
    found = source(has(1, 150))
    assert found.event(left(2, 150, status="skipped"))
    assert files(found) == 0
    for number in range(3, 110):
        found.event(has(number, 148 + number))
    assert files(found) == 107, "nobody compacts any more"
    found.event(left(110, 151))
    assert files(found) == 106, "but something has come while that was done"
    found.event(has(111, 151, operation="replace"))
    assert files(found) == 0


def test_a_job_that_failed_or_another_job_leaves_what_was_known() -> None:
    found = source(has(1, 300), left(2, 100))
    found.event(unmaintained(RAW, 3))
    found.event(left(4, 300, job="expire"))
    found.event(left(5, None))
    assert files(found) == 200


def test_a_table_that_was_overwritten_with_few_files_begins_from_these() -> None:
    found = source(has(1, 150), left(2, 150))
    found.event(has(3, 10, operation="overwrite"))
    found.event(has(4, 130))
    assert files(found) == 120
    anew = source(has(1, 150), left(2, 150), has(3, 140, uuid="another"))
    assert files(anew) == 140, "what was known is of another table"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_topics_may_be_read_in_any_order(order: tuple[int, ...]) -> None:
    events = [has(1, 150), left(2, 150), has(3, 151)]
    found = source()
    for at in order:
        found.event(events[at])
        found.event(events[at])
    assert files(found) == 1


def test_what_is_told_again_takes_nothing_back() -> None:
    found = source(has(1, 150), left(2, 150), has(3, 200), left(4, 200))
    assert not found.event(left(2, 150))
    assert files(found) == 0
    found.gone(RAW)
    assert files(found) is None
