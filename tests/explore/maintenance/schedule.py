"""Schedules of maintenance: made from a seed, run, and made smaller when they show a violation."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.explore.maintenance.maintainers import Maintainers
from tests.explore.maintenance.outsiders import Outsiders
from tests.explore.maintenance.rest import come_to_rest
from tests.explore.maintenance.stillness import still
from tests.explore.maintenance.world import FAULTS, World
from tests.explore.maintenance.writers import Writers
from tests.explore.steps import (
    Dice,
    Makers,
    Numbers,
    Step,
    Verdict,
    drawn,
    shown,
    shrunk,
    with_a_story,
)

LENGTHS = (6, 22)
"""Fewest and most steps."""
KINDS = (0, 1, 1, 3)
HOUR, DAY = 3600, 86_400

CHANGING = ("send", "send", "send", "answer", "sleep", "load", "read", "write", "written")
"""Requests at which one who commits is met."""
DELETING = ("send", "load", "read", "read", "delete", "delete", "deleted", "deleted")
"""Requests at which one who deletes is met."""
_BY_REQUEST = {
    kind: [n for n, (own, _) in enumerate(FAULTS, start=1) if own == kind]
    for kind in dict.fromkeys(kind for kind, _ in FAULTS)
}
_EARLY = (0, 0, 0, 1, 1, 2)


def _met(dice: Dice, requests: tuple[str, ...], most: int = 8) -> tuple[int, ...]:
    """Two faults, each (fault or none, at which request of its kind, steps that others take)."""
    found: list[int] = []
    for _ in range(2):
        if dice.random() < 0.4:
            found += (0, 0, 0)
            continue
        kind = dice.choice(requests)
        often = kind in {"read", "write", "written"}
        nth = dice.randrange(most) if often else dice.choice(_EARLY)
        met = dice.choice(_BY_REQUEST[kind])
        found += (met, nth, dice.choice((0, 1, 1, 2, 2, 3, 4)))
    return tuple(found)


def met(kind: str, effect: str, nth: int, inner: int) -> tuple[int, int, int]:
    """A fault as numbers of a step."""
    return FAULTS.index((kind, effect)) + 1, nth, inner


NEVER = (0, 0, 0)


def _changes(most: int = 8) -> Numbers:
    return lambda dice: (dice.randrange(2), *_met(dice, CHANGING, most))


def _deletes(*further: Callable[[Dice], int]) -> Numbers:
    return lambda d: (d.randrange(2), *(each(d) for each in further), *_met(d, DELETING))


def _write(dice: Dice) -> tuple[int, ...]:
    rows = dice.choice((0, 1, 2, 4)), dice.choice((0, 1, 2, 3)), dice.randrange(99)
    return dice.randrange(2), *rows, *_met(dice, CHANGING)


def _rebuild(dice: Dice) -> tuple[int, ...]:
    return dice.randrange(2), dice.randint(0, 3), dice.randrange(99), *_met(dice, CHANGING)


def _compact(dice: Dice) -> tuple[int, ...]:
    return dice.randrange(2), dice.random() < 0.25, *_met(dice, CHANGING, 16)


WAITS = (1, 30, 130, 700, 700, HOUR + 60, 7 * HOUR, DAY + 60, 8 * DAY)

MAKERS: Makers = {
    "write": (30, _write),
    "fold": (4, _changes()),
    "rebuild": (3, _rebuild),
    "compact": (16, _compact),
    "expire": (9, _deletes(lambda d: d.randrange(4), lambda d: d.choice((0, 0, 1, 2)))),
    "look": (10, _deletes()),
    "sweep": (5, _deletes()),
    "thinned": (4, _deletes()),
    "orphans": (5, _deletes(lambda d: d.choice((0, 0, 2)))),
    "manifests": (3, _changes()),
    "restamp": (3, _changes()),
    "roll_back": (5, lambda d: (d.randint(0, 5),)),
    "tag": (5, lambda d: (d.randint(0, 5), d.randrange(4))),
    "untag": (1, lambda d: (d.randrange(4),)),
    "foreign": (6, lambda d: (d.randrange(6), d.randrange(99))),
    "record": (3, lambda _: ()),
    "catch_up": (3, lambda _: ()),
    "wait": (16, lambda d: (d.choice(WAITS),)),
    "arrive": (4, lambda d: (d.randrange(3),)),
    "kill": (1, lambda d: (d.randrange(4),)),
}


def _overtaken(dice: Dice) -> list[Step]:
    """Rows are deleted before a compaction commits, and again before it tries again."""
    others = [
        Step("write", (n, 1, dice.randint(1, 3), dice.randrange(99), *NEVER, *NEVER))
        for n in (0, 1)
    ]
    first = met("send", "", 0, 1)
    return [Step("compact", (0, 0, *first, *met("sleep", "", 0, 1))), *others]


def _given_back(dice: Dice) -> list[Step]:
    """Deleted rows come back while a compaction writes without them."""
    going = (0, 0, dice.randint(1, 2), dice.randrange(99), *NEVER, *NEVER)
    return [
        Step("write", going),
        Step("compact", (0, 0, *met("send", "", 0, 1), *NEVER)),
        Step("roll_back", (1,)),
    ]


def _put_back(dice: Dice) -> list[Step]:
    """What thinning has left unnamed is named again before its delay is over."""
    plain = (0, 1, 0, 0, *NEVER, *NEVER)
    look = Step("look", (0, *NEVER, *NEVER))
    return [
        Step("wait", (HOUR,)),
        Step("write", plain),
        Step("compact", (0, 0, *NEVER, *NEVER)),
        Step("write", plain),
        look,
        Step("wait", (130,)),
        Step("write", plain),
        look,
        Step("foreign", (5, dice.randrange(99))),
        Step("wait", (700,)),
        Step("sweep", (0, *NEVER, *NEVER)),
        Step("thinned", (0, *NEVER, *NEVER)),
    ]


def _swept_amid(dice: Dice) -> list[Step]:
    """Orphans are swept, or snapshots expired, between the files of a commit and its request."""
    kind = dice.choice(("send", "written"))
    sweep = Step("orphans", (1, 0, *NEVER, *NEVER))
    other = dice.choice((sweep, Step("expire", (1, 0, 0, *NEVER, *NEVER))))
    return [Step("compact", (0, 0, *met(kind, "", 0, 1), *NEVER)), other]


def _expired_amid(dice: Dice) -> list[Step]:
    """An old head is replaced and expired while somebody reads it."""
    return [
        Step("wait", (7 * HOUR,)),
        Step("compact", (0, 0, *met("read", "", dice.randrange(2), 3), *NEVER)),
        Step("compact", (1, 0, *NEVER, *NEVER)),
        Step("write", (0, 1, 0, 0, *NEVER, *NEVER)),
        Step("expire", (1, 0, 0, *NEVER, *NEVER)),
    ]


def _tagged(dice: Dice) -> list[Step]:
    """An old version is tagged, and then there is much that is newer."""
    plain = Step("write", (0, 1, 1, 0, *NEVER, *NEVER))
    return [
        Step("tag", (dice.randint(0, 2), 0)),
        plain,
        Step("wait", (DAY + 60,)),
        plain,
        plain,
        Step("expire", (0, 0, 0, *NEVER, *NEVER)),
    ]


STORIES = (_overtaken, _given_back, _put_back, _swept_amid, _expired_amid, _tagged)
"""What dice alone bring together too seldom; two of three schedules have one of them in them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A world to begin with, the source of chance in it, and the steps."""

    kind: int
    seed: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return shown(f"World(kind={self.kind})", self.steps)


def generate(seed: int) -> Schedule:
    """The schedule of a seed; always the same one."""
    dice = random.Random(seed)
    kind = dice.choice(KINDS)
    steps = [Step("write", (0, 3, 0, 0)), Step("write", (0, 2, 1, 1))]
    steps += drawn(dice, MAKERS, LENGTHS)
    return Schedule(kind, seed, with_a_story(steps, dice, STORIES, 2 / 3, 2))


def run(schedule: Schedule) -> Verdict:
    """Run a schedule and let everything come to rest."""
    world = World(schedule.kind)
    with still(world.clock, random.Random(schedule.seed), world.sleep):
        Writers(world)
        maintainers, outsiders = Maintainers(world), Outsiders(world)
        world.run(schedule.steps)
        if not world.audit.violations:
            come_to_rest(world, maintainers, outsiders)
    return Verdict(tuple(world.audit.violations), world.reached)


def shrink(schedule: Schedule) -> Schedule:
    """A smaller schedule that is violated, too."""
    return shrunk(schedule, lambda each: bool(run(each).violations))
