"""Shopify ids of one run: counters that start where no other seed's counters are.

Two generators that begin at the same numbers would send different people under one id.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Literal

Kind = Literal["customer", "product", "variant", "order", "line_item", "address"]

FIRST_IDS: dict[Kind, int] = {
    "customer": 1_000_000_000,
    "product": 2_000_000_000,
    "variant": 3_000_000_000,
    "order": 4_000_000_000,
    "line_item": 5_000_000_000,
    "address": 6_000_000_000,
}
"""Where the counters of each kind begin; the kinds are 10⁹ apart."""

_IDS_A_RUN = 100_000
_RUNS = 9_000


class IdSpace:
    """Rising ids of one run, by kind of object.

    A run owns one of 9,000 blocks of 100,000 ids of each kind, chosen by the hash of its seed, so
    that runs of different seeds on one platform almost never meet.
    """

    def __init__(self, seed: int) -> None:
        digest = hashlib.sha256(str(seed).encode()).digest()
        self._offset = int.from_bytes(digest[:8], "big") % _RUNS * _IDS_A_RUN
        self._given: Counter[Kind] = Counter()

    def next(self, kind: Kind) -> int:
        """The next id of that kind.

        Raises:
            ValueError: the run has used its block up.
        """
        position = self._given[kind]
        if position >= _IDS_A_RUN:
            raise ValueError(f"a run has at most {_IDS_A_RUN} {kind} ids: use another seed")
        self._given[kind] += 1
        return FIRST_IDS[kind] + self._offset + position


def gid(resource: str, number: int) -> str:
    """Shopify's GraphQL id: ``gid://shopify/Customer/1000000000``."""
    return f"gid://shopify/{resource}/{number}"
