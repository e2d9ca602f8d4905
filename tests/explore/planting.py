"""Plant a fault into the code that is explored: it replaces real functions for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

Replacement = tuple[object, str, object]
"""Of what, its attribute, and what stands there instead."""
Mutant = Callable[[], list[Replacement]]
"""Makes the replacements of one fault; its name is that of the fault."""


def named(*mutants: Mutant) -> Mapping[str, Mutant]:
    """Faults by their names."""
    return {each.__name__: each for each in mutants}


@contextmanager
def plant(replacements: Sequence[Replacement]) -> Iterator[None]:
    """The code with these in it."""
    before = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in replacements]
    try:
        for owner, attribute, wrong in replacements:
            setattr(owner, attribute, wrong)
        yield
    finally:
        for owner, attribute, right in before:
            setattr(owner, attribute, right)
