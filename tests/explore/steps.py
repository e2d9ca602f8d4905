"""Steps of schedules: drawn by dice, shown, and made fewer and smaller while they show the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, NamedTuple, Protocol, TypeVar

Dice = random.Random
Numbers = Callable[[Dice], tuple[int, ...]]
"""Makes the numbers of a step."""
Makers = Mapping[str, tuple[int, Numbers]]
"""Step → (weight, maker of its numbers)."""


class Step(NamedTuple):
    """One step: its name, and small numbers that it makes sense of in whatever state things are."""

    name: str
    args: tuple[int, ...] = ()


Story = Callable[[Dice], list[Step]]
"""Steps that belong together."""


class Stepped(Protocol):
    """A schedule: a dataclass that has steps in a world of its own kind."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """In their order."""


_S = TypeVar("_S", bound=Stepped)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a schedule ended, and what it reached."""

    violations: tuple[str, ...]
    reached: Counter[str]


def drawn(dice: Dice, makers: Makers, lengths: tuple[int, int]) -> list[Step]:
    """As many steps as ``lengths`` allows, fewest and most."""
    weights = tuple(accumulate(weight for weight, _ in makers.values()))
    names = dice.choices(tuple(makers), cum_weights=weights, k=dice.randint(*lengths))
    return [Step(name, tuple(map(int, makers[name][1](dice)))) for name in names]


def with_a_story(
    steps: list[Step], dice: Dice, stories: Sequence[Story], share: float, first: int
) -> tuple[Step, ...]:
    """The steps, in that share of all cases with a story among them, not before the ``first``."""
    if dice.random() < share:
        at = dice.randint(first, len(steps))
        steps[at:at] = dice.choice(stories)(dice)
    return tuple(steps)


def shown(world: str, steps: Sequence[Step]) -> str:
    """A schedule as a person reads it, its world above its steps."""
    return "\n".join((world, *(f"  {step.name}{step.args}" for step in steps)))


def shrunk(
    schedule: _S,
    violated: Callable[[_S], bool],
    simpler: Callable[[_S], Collection[_S]] = lambda _: (),
) -> _S:
    """A schedule with fewer steps and smaller numbers that is violated, too. Greedy.

    Args:
        schedule: a violated one.
        violated: runs one.
        simpler: the same steps in simpler worlds; tried once no step can be left out.
    """
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(schedule, simpler):
            if violated(candidate):
                schedule, smaller = candidate, True
                break
    return schedule


def _smaller(schedule: _S, simpler: Callable[[_S], Collection[_S]]) -> Iterator[_S]:
    steps = schedule.steps
    size = len(steps) // 2
    while size:
        for n in range(0, len(steps) - size + 1, size):
            yield _with(schedule, steps[:n] + steps[n + size :])
        size //= 2
    yield from simpler(schedule)
    for n, step in enumerate(steps):
        for m, number in enumerate(step.args):
            for less in {0, number // 2, number - 1} if number > 0 else set():
                args = (*step.args[:m], less, *step.args[m + 1 :])
                yield _with(schedule, (*steps[:n], Step(step.name, args), *steps[n + 1 :]))


def _with(schedule: _S, steps: tuple[Step, ...]) -> _S:
    made: Any = schedule  # a dataclass, which no type says
    changed: _S = replace(made, steps=steps)
    return changed
