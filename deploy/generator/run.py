"""One run of the generator: a seed for what is drawn, and a number for whose ids they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from deploy.generator.chance import Chance
from deploy.generator.id_space import RUNS, IdSpace


@dataclass(frozen=True, slots=True)
class Run:
    """The same seed and number give the same bytes; two numbers share no id, whatever the seeds.

    Attributes:
        seed: any integer, 0 too.
        number: of its id space, below :data:`~deploy.generator.id_space.RUNS`.
        ids: rising ids of this run.
    """

    seed: int
    number: int
    ids: IdSpace = field(compare=False)

    @classmethod
    def of(cls, seed: int, number: int | None = None) -> Run:
        """A run; without a number of its own it has one that follows from the seed.

        Raises:
            ValueError: the number is no run's.
        """
        if number is None:
            digest = hashlib.sha256(str(seed).encode()).digest()
            number = int.from_bytes(digest[:8], "big") % RUNS
        return cls(seed, number, IdSpace(number))

    def chance(self, purpose: str) -> Chance:
        """A stream of draws of its own for one purpose."""
        return Chance(f"{self.seed}.{self.number}", purpose)
