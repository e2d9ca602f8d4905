"""People: some are known to one vendor, some to both, where they never look quite the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import mimesis

from deploy.generator.addresses import Address, address
from deploy.generator.chance import Chance

SHARED_RATIO = 0.3
"""Chance that a vendor's customer is one of the shared people."""

_DOMAINS = ("example.com", "example.org", "example.net")
_COMPANY_FORMS = ("& Sons", "Consulting", "Design", "Group", "Logistics", "Studio")


@dataclass(frozen=True, slots=True)
class Person:
    """What is true about somebody; vendors see variations of it.

    ``phone`` is E.164 in the block that is reserved for fiction (555-01xx), the e-mail domains
    are reserved for examples: nobody real can be met.
    """

    email: str
    first_name: str
    last_name: str
    phone: str
    company: str | None
    address: Address
    created_at: datetime

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


class People:
    """Source of people for one run.

    ``shared`` people are known to both vendors; :meth:`newcomer` gives somebody that nobody else
    knows.
    """

    def __init__(self, seed: int, now: datetime, shared: int) -> None:
        self._rng = Chance(seed, "people")
        self._names = mimesis.Person(mimesis.Locale.EN, seed=seed)
        self._now = now
        self._count = 0
        self.shared = tuple(
            self._person(now - timedelta(days=730), now - timedelta(days=182))
            for _ in range(shared)
        )

    def newcomer(self) -> Person:
        """Somebody new, known since some day of the last two years up to yesterday."""
        return self._person(self._now - timedelta(days=730), self._now - timedelta(days=1))

    def _person(self, first: datetime, last: datetime) -> Person:
        rng = self._rng
        self._count += 1
        first_name, last_name = self._names.first_name(), self._names.last_name()
        mailbox = f"{first_name}.{last_name}{self._count}".lower().replace(" ", "")
        return Person(
            email=f"{mailbox}@{rng.choice(_DOMAINS)}",
            first_name=first_name,
            last_name=last_name,
            phone=f"+1{rng.randint(201, 989)}55501{rng.randint(0, 99):02}",
            company=rng.maybe(0.7, f"{last_name} {rng.choice(_COMPANY_FORMS)}"),
            address=address(rng),
            created_at=rng.moment(first, last),
        )
