"""Which outcomes of jobs are published."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.maintainer.outcomes import is_news
from shared.contracts.maintenance import MaintenanceSucceeded

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
