"""What can be explored: how a seed becomes a schedule, how that is run, what can be planted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.explore import mutants, schedule
from tests.explore.maintenance import mutants as maintenance_mutants
from tests.explore.maintenance import schedule as maintenance_schedule
from tests.explore.steps import Verdict


@dataclass(frozen=True, slots=True)
class Exploration:
    """One of them.

    Attributes:
        generate: seed → schedule, always the same one.
        run: how a schedule ends.
        shrink: a smaller schedule that is violated, too.
        mutants: faults that can be planted.
        planted: plants one.
        keeps: whether violated seeds are kept for the tests.
    """

    generate: Callable[[int], Any]
    run: Callable[[Any], Verdict]
    shrink: Callable[[Any], Any]
    mutants: tuple[str, ...]
    planted: Callable[[str], AbstractContextManager[None]]
    keeps: bool

    def explain(self, seed: int) -> str:
        """The smallest schedule that shows what a seed showed, and what that is."""
        smallest = self.shrink(self.generate(seed))
        return f"seed {seed}\n{smallest}\n" + "\n".join(self.run(smallest).violations)


PROTOCOL, MAINTENANCE = "protocol", "maintenance"

EXPLORATIONS = {
    PROTOCOL: Exploration(
        schedule.generate,
        schedule.run,
        schedule.shrink,
        tuple(mutants.MUTANTS),
        mutants.planted,
        keeps=True,
    ),
    MAINTENANCE: Exploration(
        maintenance_schedule.generate,
        maintenance_schedule.run,
        maintenance_schedule.shrink,
        tuple(maintenance_mutants.MUTANTS),
        maintenance_mutants.planted,
        keeps=False,
    ),
}
