"""Which outcomes of jobs are published, and what failures say of what follows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.maintainer.agenda import Agenda
from services.maintainer.outcomes import failed, is_news
from services.maintainer.pace import Pace
from services.maintainer.requests import Request
from shared.contracts.commands import MaintenanceArguments
from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from shared.runtime.errors import BerglineError, Refused, Unavailable

NOTHING = MaintenanceSucceeded(
    job_id="1",
    job="compact",
    table="core.orders",
    status="skipped",
    cause="policy",
    seconds=1.0,
    succeeded_at=datetime.now(UTC),
)
"""A look found it due, and it had nothing to do: with some tables at every look."""


def test_nothing_done_to_what_a_look_found_due_is_no_news() -> None:
    assert not is_news(NOTHING)


@pytest.mark.parametrize(
    "told",
    [
        {"status": "succeeded"},
        {"cause": "timer"},
        {"cause": "command"},
        {"attempt": 2},
        {"attempts_wasted": 1, "bytes_wasted": 70},
    ],
    ids=["done", "timer", "command", "after a failure", "all in vain"],
)
def test_everything_else_is(told: dict[str, object]) -> None:
    assert is_news(NOTHING.model_copy(update=told))


def told_when(error: BerglineError, *, theirs: bool) -> MaintenanceFailed:
    """What is told of a command whose job fails, also when its table has gone to another worker."""
    agenda, table = Agenda([NOTHING.table], Pace()), NOTHING.table
    agenda.own([table])
    now = datetime.now(UTC)
    agenda.requested(Request(table, ("compact",), "command", MaintenanceArguments(), now))
    task = agenda.next(0)
    assert task is not None
    if theirs:
        agenda.own([])
    verdict = agenda.ended(task, 1, failed=True, retriable=error.retriable)
    return failed(task, error, verdict, "worker", 1.0)


@pytest.mark.parametrize(
    ("error", "theirs", "again"),
    [
        (Unavailable("the store is away"), False, True),
        (Refused("of another format"), False, False),
        (Unavailable("the store is away"), True, True),
        (Refused("of another format"), True, True),
    ],
)
def test_a_command_is_over_only_for_who_still_has_the_table(
    error: BerglineError, *, theirs: bool, again: bool
) -> None:
    event = told_when(error, theirs=theirs)
    assert event.will_retry is again
    assert (event.next_attempt_at is not None) is (again and not theirs)
