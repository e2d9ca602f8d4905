"""Seeded randomness: the same seed and purpose give the same draws, on every machine."""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

_ALPHANUMERIC = string.ascii_letters + string.digits


class Chance(random.Random):
    """A stream of draws of its own for one purpose.

    Each purpose (``"orders"``, ``"people"`` …) has its own stream, so that a new draw in one part
    of the generator does not change the bytes of the others. Not for secrets.
    """

    def __init__(self, seed: int | str, purpose: str) -> None:
        super().__init__(f"{seed}/{purpose}")

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def maybe(self, probability: float, value: T) -> T | None:
        """The value with this probability, otherwise ``None``."""
        return value if self.happens(probability) else None

    def weighted(self, weights: Mapping[T, float]) -> T:
        """A key, drawn in proportion to its weight."""
        return self.choices(list(weights), weights=list(weights.values()))[0]

    def alphanumeric(self, length: int) -> str:
        """Letters and digits, as in Stripe's object ids."""
        return "".join(self.choices(_ALPHANUMERIC, k=length))

    def capitals(self, length: int, *, digits: bool = False) -> str:
        """Capital letters, with digits where asked for."""
        letters = string.ascii_uppercase + (string.digits if digits else "")
        return "".join(self.choices(letters, k=length))

    def uuid(self) -> str:
        """A version 4 UUID in text form."""
        return str(UUID(int=self.getrandbits(128), version=4))

    def moment(self, start: datetime, end: datetime) -> datetime:
        """A whole second in ``[start, end]``; ``start`` when the interval is empty."""
        seconds = max(0, int((end - start).total_seconds()))
        return start + timedelta(seconds=self.randint(0, seconds))
