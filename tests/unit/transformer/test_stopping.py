"""A stop is over in time, whoever does not answer: the longest waits add up to less."""

from __future__ import annotations

from services.transformer import app
from services.transformer.dispatching import dispatcher
from services.transformer.workers import ray_pool
from shared.runtime import stored_offsets
from shared.runtime.lifecycle import DRAIN_SECONDS, TIDY_SECONDS


def test_the_longest_waits_of_a_stop_fit_into_what_a_service_is_given() -> None:
    waits = (
        *(app.DRAIN_S, dispatcher.CUT_S, app.FLUSH_S, stored_offsets.ANSWER_S),
        *(app.LEAVE_S, ray_pool.STOP_S),
    )
    assert sum(waits) < DRAIN_SECONDS - TIDY_SECONDS
