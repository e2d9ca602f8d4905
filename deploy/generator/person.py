"""What is true about somebody, before a vendor writes it down its own way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deploy.generator.addresses import Address


@dataclass(frozen=True, slots=True)
class Person:
    """What is true about somebody; vendors see variations of it.

    ``phone`` is E.164 in the block that is reserved for fiction (555-01xx) for the first 78,900
    people of a run, in the same exchange for the rest, so that no two people share one; the e-mail
    domains are reserved for examples. ``number`` counts the people of a run.
    """

    number: int
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
