"""Whether rules are evaluated at all: signs of life must not be told of an alerter that judges
nothing, so its process ends instead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.alerter.evaluation.evaluation import Evaluation

log = structlog.stdlib.get_logger("bergline.alerter")

TICK_S = 15.0
LEAST_S = 300.0
INTERVALS = 3.0
"""Of the rule of ours that is evaluated least often; after so long without any pass it is stuck."""


async def until_stuck(
    evaluation: Evaluation, pause: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Return once there are rules to evaluate, and none was for far too long.

    Time is counted in looks, not on a clock: a process that was stopped evaluated nothing either,
    and goes on.
    """
    seen, waited_s = evaluation.passes, 0.0
    while waited_s < _longest_s(evaluation):
        await pause(TICK_S)
        if evaluation.passes != seen or not evaluation.owned:
            seen, waited_s = evaluation.passes, 0.0
        else:
            waited_s += TICK_S
    log.error("no rule was evaluated for too long, ending", seconds=waited_s)


def _longest_s(evaluation: Evaluation) -> float:
    intervals = [evaluation.rules[name].interval_s for name in evaluation.owned]
    return max(LEAST_S, INTERVALS * max(intervals, default=0.0))
