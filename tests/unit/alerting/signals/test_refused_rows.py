"""What staging refuses is a share of what it judged, whatever is built, how often and when."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.series import labels
from shared.alerting.signals.refused_rows import JUDGED, QUARANTINED, RefusedRows
from shared.contracts.tables import TableCommitted
from tests.unit.alerting.signals.histories import RAW, REJECTED, TABLES, TOPIC, commit


def ready() -> RefusedRows:
    return caught_up(RefusedRows(TABLES))


def caught_up(source: RefusedRows) -> RefusedRows:
    for topic in source.reads:
        source.caught_up(topic)
    return source


def counted(source: RefusedRows) -> tuple[float, float]:
    """How many were judged, and refused."""
    found = source.vectors(0)
    return found[JUDGED][labels(table=RAW)], found[QUARANTINED][labels(table=RAW)]


def judging(number: int, up_to: int, refused: int, **more: Any) -> TableCommitted:
    """A commit of the table of refused rows that is complete up to an offset."""
    complete = {TOPIC: {0: up_to}}
    return commit(REJECTED, number, **{"complete": complete, "added_rows": refused, **more})


def test_a_late_build_counts_what_it_judged_whenever_that_landed() -> None:
    """Rows that landed before the hour were refused within it: there are no more than judged."""
    found = ready()
    found.event(judging(1, 40, 4))
    assert counted(found) == (40, 4), "the first build judges everything for the first time"
    found.event(judging(2, 5040, 250))
    assert counted(found) == (5040, 254)
    assert not found.event(judging(3, 5040, 0)), "nothing came, nothing was refused"


def test_a_rebuild_judges_nothing_for_the_first_time() -> None:
    """The rule was changed, and refuses 900 rows of long ago."""
    found = ready()
    found.event(judging(1, 1000, 10))
    found.event(judging(2, 1020, 910, operation="overwrite"))
    found.event(judging(3, 1020, 910, operation="replace"))
    assert counted(found) == (1000, 10)
    found.event(judging(4, 1120, 90))
    assert counted(found) == (1100, 100), "what came after it counts"


def test_a_commit_that_is_told_again_or_on_top_of_what_was_not_seen_does_not_count() -> None:
    found = ready()
    for _ in range(2):
        found.event(judging(1, 100, 10))
    found.event(judging(3, 300, 50, parent_snapshot_id=7))
    assert counted(found) == (100, 10)
    found.event(judging(4, 310, 5))
    assert counted(found) == (110, 15)


def test_what_was_before_the_start_is_where_counting_begins() -> None:
    found = RefusedRows(TABLES)
    found.event(judging(1, 1000, 100))
    caught_up(found)
    assert counted(found) == (0, 0)
    found.event(judging(2, 1010, 1))
    assert counted(found) == (10, 1)


def test_a_table_that_is_made_anew_judges_everything() -> None:
    found = ready()
    found.event(judging(1, 100, 10))
    found.gone(REJECTED)
    found.event(judging(1, 120, 12, uuid="another"))
    assert counted(found) == (220, 22)


def test_a_log_that_begins_anew_brings_none_and_other_partitions_do() -> None:
    found = ready()
    found.event(judging(1, 1000, 0))
    found.event(judging(2, 7, 3, complete={TOPIC: {0: 7, 1: 20}, "another": {0: 500}}))
    assert counted(found) == (1020, 3)


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[TableCommitted, int, int]]:
    """Commits of the table of refused rows, with what each judged for the first time, and what it
    refused of that. Records come, some are refused; the table is built, rebuilt by another rule,
    compacted, and made complete without a row."""
    told: list[tuple[TableCommitted, int, int]] = []
    offset = complete = stored = 0
    refused = draw(st.lists(st.booleans(), max_size=200))
    steps = draw(st.lists(st.sampled_from(["land", "build", "rebuild", "move"]), max_size=30))
    for step in steps:
        number = len(told) + 1
        if step == "land":
            offset = min(len(refused), offset + draw(st.integers(1, 20)))
        elif step == "build" or not told:
            new = sum(refused[complete:offset])
            told.append((judging(number, offset, new), offset - complete, new))
            complete, stored = offset, stored + new
        elif step == "rebuild":
            refused = [draw(st.booleans()) for _ in refused] if draw(st.booleans()) else refused
            complete, stored = offset, sum(refused[:offset])
            told.append((judging(number, offset, stored, operation="overwrite"), 0, 0))
        else:
            told.append((judging(number, complete, stored, operation="replace"), 0, 0))
    return told


@given(told=lives(), seen=st.integers(0, 5), again=st.integers(0, 3))
def test_the_share_is_exact_and_never_more_than_all(
    told: list[tuple[TableCommitted, int, int]], seen: int, again: int
) -> None:
    """However much of the past an alerter has seen, and whatever is told again."""
    found = RefusedRows(TABLES)
    for event, _, _ in told[:seen]:
        found.event(event)
    caught_up(found)
    for at, (event, _, _) in enumerate(told[seen:], seen):
        for repeated in [each for each, _, _ in told[max(0, at - again) : at]]:
            assert not found.event(repeated)
        found.event(event)
    judged, refused = counted(found)
    assert judged == sum(first for _, first, _ in told[seen:])
    assert refused == sum(new for _, _, new in told[seen:])
    assert refused <= judged
