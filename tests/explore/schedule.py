"""Schedules: made from a seed, run, and made smaller when they show a violation."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.explore.outsiders import Outsiders
from tests.explore.rest import come_to_rest
from tests.explore.steps import Dice, Makers, Step, Verdict, drawn, shown, shrunk, with_a_story
from tests.explore.world import FAULTS, World

LENGTHS = (8, 30)
"""Fewest and most steps."""


def _fault(dice: Dice) -> tuple[int, int]:
    """(fault or none, how many steps others take first)."""
    if dice.random() < 0.35:
        return 0, 0
    return dice.randint(1, len(FAULTS)), dice.choice((0, 0, 1, 1, 2, 3, 5))


def _go(dice: Dice) -> tuple[int, ...]:
    operations = dice.choice((0, 0, 0, 0, 1, 2, 3, 4, 6, 8))
    return dice.randrange(4), operations, *_fault(dice)


MAKERS: Makers = {
    "flow": (24, lambda d: (d.randrange(4), d.randint(1, 6), *_fault(d))),
    "go": (20, _go),
    "append": (8, lambda d: (d.randrange(4), d.randint(1, 8))),
    "fetch": (16, lambda d: (d.randrange(4), d.randrange(4), d.randint(1, 12), d.random() < 0.25)),
    "rebalance": (5, lambda d: (d.randint(1, 15),)),
    "kill": (2, lambda d: (d.randrange(4),)),
    "wait": (5, lambda d: (d.choice((1, 3, 16, 16, 61, 300, 3700, 90_000)),)),
    "arrive": (5, lambda d: (d.randrange(8),)),
    "foreign": (3, lambda d: (d.randrange(3),)),
    "maintain": (1, lambda _: ()),
    "expire": (1, lambda d: (d.randint(1, 5),)),
    "roll_back": (3, lambda d: (d.randint(1, 4),)),
    "restore": (1, lambda d: (d.randint(1, 6),)),
    "adopt": (3, lambda d: (d.randrange(4), *_fault(d))),
    "trim": (2, lambda d: (d.randrange(4), d.randint(1, 20))),
    "lose_tail": (1, lambda d: (d.randrange(4), d.randint(1, 8), d.randint(0, 12))),
    "recreate": (2, lambda d: (d.randrange(4), d.randint(-6, 6))),
    "partition": (1, lambda _: ()),
    "rewind": (1, lambda d: (d.choice((0, 0, 3)),)),
    "skew": (1, lambda d: (d.randrange(4), d.choice((-3600, -40, 40, 3600)))),
}


def _replaced_under_way(dice: Dice) -> list[Step]:
    """A topic is made anew while a batch of the old one is on its way, and an operator says so."""
    key, most = dice.randrange(4), dice.randint(1, 6)
    return [
        Step("fetch", (key, key, most, 1)),
        Step("recreate", (key, dice.randint(-3, 6))),
        Step("adopt", (key, 0, 0)),
        Step("rebalance", (15,)),
        Step("go", (key, 0, 0, 0)),
        Step("fetch", (key, key, most, 0)),
    ]


def _settled_over_a_bad_line(dice: Dice) -> list[Step]:
    """A partition stops; the operator's statement meets a fault."""
    key = dice.randrange(4)
    return [
        Step("recreate", (key, dice.randint(-3, 6))),
        Step("wait", (16,)),
        Step("go", (key, 0, 0, 0)),
        Step("adopt", (key, dice.randint(1, 8), dice.choice((0, 0, 1, 2)))),
        Step("go", (key, 0, 0, 0)),
    ]


STORIES = (_replaced_under_way, _settled_over_a_bad_line)
"""What dice alone bring together too seldom; every fourth schedule has one of them in it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A world to begin with, and the steps in it."""

    workers: int
    partitions: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return shown(f"World(workers={self.workers}, partitions={self.partitions})", self.steps)


def generate(seed: int) -> Schedule:
    """The schedule of a seed; always the same one."""
    dice = random.Random(seed)
    workers, partitions = dice.randint(2, 4), dice.randint(1, 3)
    steps = [Step("go", (number, 0, 0, 0)) for number in range(workers)]
    steps += drawn(dice, MAKERS, LENGTHS)
    return Schedule(workers, partitions, with_a_story(steps, dice, STORIES, 0.25, workers))


def run(schedule: Schedule) -> Verdict:
    """Run a schedule and let everything come to rest."""
    world = World(schedule.workers, schedule.partitions)
    outsiders = Outsiders(world)
    world.run(list(schedule.steps))
    if not world.audit.violations:
        come_to_rest(world, outsiders)
    return Verdict(tuple(world.audit.violations), world.reached)


def shrink(schedule: Schedule) -> Schedule:
    """A smaller schedule that is violated, too."""
    return shrunk(schedule, lambda each: bool(run(each).violations), _simpler)


def _simpler(schedule: Schedule) -> list[Schedule]:
    found = []
    if schedule.workers > 1:
        found.append(replace(schedule, workers=schedule.workers - 1))
    if schedule.partitions > 1:
        found.append(replace(schedule, partitions=schedule.partitions - 1))
    return found
