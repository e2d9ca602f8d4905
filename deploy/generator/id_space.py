"""Ids of one run: counters that start where no other run's counters are.

Two generators that begin at the same numbers would send different people under one id.
"""

from __future__ import annotations

import string
from collections import Counter
from typing import Literal

from deploy.generator.chance import Chance

Kind = Literal[
    "customer", "product", "variant", "order", "line_item", "address",
    "contact", "company", "deal", "hubspot_event", "hubspot_engagement", "fulfillment",
    "person", "campaign", "engagement", "text", "client", "session",
]  # fmt: skip

FIRST_IDS: dict[Kind, int] = {
    "customer": 1_000_000_000,
    "product": 2_000_000_000,
    "variant": 3_000_000_000,
    "order": 4_000_000_000,
    "line_item": 5_000_000_000,
    "address": 6_000_000_000,
    "contact": 7_000_000_000,
    "company": 8_000_000_000,
    "deal": 9_000_000_000,
    "hubspot_event": 10_000_000_000,
    "hubspot_engagement": 11_000_000_000,
    "fulfillment": 12_000_000_000,
}
"""Where the numbers of each kind begin in run 0; the kinds are 10⁹ apart, the runs 10¹²."""

RUNS = 9_000
"""Runs are 0 to 8,999: their numbers stay below 2⁵³, so that every JSON reader keeps them."""

RUN_STRIDE = 10**12
IDS_OF_A_KIND = 10**9

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_TOKEN_LETTERS = 9
_TOKENS = len(_LETTERS) ** _TOKEN_LETTERS
"""62⁹, more than all ids of all runs."""
_STRIDE = 7_919_317_713_001
"""Odd and no multiple of 31, so multiplying by it modulo 62⁹ never makes two numbers one."""


class IdSpace:
    """Rising ids of one run, by kind of object.

    Args:
        run: number of the run.

    Raises:
        ValueError: there is no such run.
    """

    def __init__(self, run: int) -> None:
        if not 0 <= run < RUNS:
            raise ValueError(f"a run is one of 0 to {RUNS - 1}, not {run}")
        self.run = run
        self._given: Counter[Kind] = Counter()

    def count(self, kind: Kind, limit: int = IDS_OF_A_KIND) -> int:
        """How many ids of that kind were given before this one.

        Raises:
            ValueError: the run has used them up.
        """
        position = self._given[kind]
        if position >= limit:
            raise ValueError(f"a run has at most {limit} {kind} ids: use another run")
        self._given[kind] += 1
        return position

    def next(self, kind: Kind) -> int:
        """The next number of that kind.

        Raises:
            ValueError: the run has used them up.
        """
        return self.run * RUN_STRIDE + FIRST_IDS[kind] + self.count(kind)

    def text(self, rng: Chance, length: int) -> str:
        """Letters and digits that no other id of any run begins with, as in Stripe's ids."""
        number = self.run * RUN_STRIDE + self.count("text", RUN_STRIDE)
        return _token(number * _STRIDE % _TOKENS) + rng.alphanumeric(length - _TOKEN_LETTERS)

    def suffix(self, position: int) -> str:
        """Short text of a position in this run, for names that must differ between runs."""
        return _base36(self.run * IDS_OF_A_KIND + position)


def gid(resource: str, number: int) -> str:
    """Shopify's GraphQL id: ``gid://shopify/Customer/1000000000``."""
    return f"gid://shopify/{resource}/{number}"


def _token(number: int) -> str:
    letters = []
    for _ in range(_TOKEN_LETTERS):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)


def _base36(number: int) -> str:
    digits = string.digits + string.ascii_lowercase
    text = ""
    while number >= 36:
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return digits[number] + text
