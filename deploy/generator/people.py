"""People: some are known to one vendor, some to several, where they never look quite the same."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import mimesis

from deploy.generator.addresses import address
from deploy.generator.person import Person
from deploy.generator.run import Run
from deploy.generator.variations import as_seen_elsewhere

Party = Literal["shopify", "stripe", "hubspot", "mailchimp", "standard", "ga4"]
"""Who can know somebody."""

PARTIES: tuple[Party, ...] = ("shopify", "stripe", "hubspot", "mailchimp", "standard", "ga4")

SHARED_RATIO = 0.3
"""Chance that a vendor's new customer is somebody whom another vendor knows."""

REMEMBERED = 500
"""People of others whom a vendor has yet to meet."""

_DOMAINS = ("example.com", "example.org", "example.net")
_COMPANY_FORMS = ("& Sons", "Consulting", "Design", "Group", "Logistics", "Studio")

_AREAS = 789
_FICTITIOUS = _AREAS * 100
"""Numbers of the block 555-0100 to 555-0199 in all area codes from 201 to 989."""
_BLOCKS = 99


class Met(NamedTuple):
    """Somebody as a vendor sees them; ``shared`` when another vendor knew them before."""

    person: Person
    shared: bool


class People:
    """Source of people for one run.

    Args:
        run: whose people they are.
        now: when the vendors live.
        shared_ratio: chance that a vendor meets somebody whom another one knows.
        parties: who meets people.
    """

    def __init__(
        self,
        run: Run,
        now: datetime,
        *,
        shared_ratio: float = SHARED_RATIO,
        parties: tuple[Party, ...] = PARTIES,
    ) -> None:
        self._run = run
        self._rng = run.chance("people")
        self._names = mimesis.Person(mimesis.Locale.EN)
        self._streets = mimesis.Address(mimesis.Locale.EN)
        self._now = now
        self._shared_ratio = shared_ratio
        self._unmet: dict[Party, deque[Person]] = {
            party: deque(maxlen=REMEMBERED) for party in parties
        }

    def meet(self, party: Party) -> Met:
        """The next customer of a vendor: somebody whom others know, or somebody new to all."""
        unmet = self._unmet[party]
        if unmet and self._rng.happens(self._shared_ratio):
            unmet.rotate(self._rng.randrange(len(unmet)))
            return Met(as_seen_elsewhere(self._rng, unmet.popleft()), shared=True)
        person = self.newcomer()
        for other, queue in self._unmet.items():
            if other != party:
                queue.append(person)
        return Met(person, shared=False)

    def newcomer(self) -> Person:
        """Somebody whom nobody else gets to know; since a day of the last two years."""
        return self.person(self._run.ids.count("person"))

    def person(self, number: int) -> Person:
        """Somebody of this run: the same for the same number, whoever else was made before."""
        rng = self._run.chance(f"person {number}")
        self._names.reseed(rng.getrandbits(64))
        self._streets.reseed(rng.getrandbits(64))
        first_name, last_name = self._names.first_name(), self._names.last_name()
        mailbox = f"{first_name}.{last_name}.{self._run.ids.suffix(number)}"
        return Person(
            number=number,
            email=f"{mailbox.lower().replace(' ', '')}@{rng.choice(_DOMAINS)}",
            first_name=first_name,
            last_name=last_name,
            phone=_phone(self._run.number, number),
            company=rng.maybe(0.7, f"{last_name} {rng.choice(_COMPANY_FORMS)}"),
            address=address(rng, self._streets),
            created_at=rng.moment(self._now - timedelta(days=730), self._now - timedelta(days=183)),
        )


def _phone(run: int, number: int) -> str:
    """A number that nobody else of the run has, for the first 7.8 million people."""
    block, position = divmod(number, _FICTITIOUS)
    area, line = divmod((position * 50_021 + run * 7_919) % _FICTITIOUS, 100)
    return f"+1{201 + area}555{100 * (1 + block % _BLOCKS) + line:04}"
