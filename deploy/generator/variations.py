"""How the same person looks in another vendor's books: case, spaces, formats, nicknames, typos.

Matching people is only tested when they do not match byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deploy.generator.chance import Chance
from deploy.generator.person import Person

NICKNAMES = {
    "Alexander": "Alex", "Andrew": "Andy", "Anthony": "Tony", "Benjamin": "Ben",
    "Catherine": "Cathy", "Charles": "Charlie", "Christopher": "Chris", "Daniel": "Dan",
    "David": "Dave", "Edward": "Ed", "Elizabeth": "Liz", "James": "Jim", "Jennifer": "Jenny",
    "Jessica": "Jess", "Joseph": "Joe", "Joshua": "Josh", "Katherine": "Kate", "Kenneth": "Ken",
    "Kimberly": "Kim", "Margaret": "Maggie", "Matthew": "Matt", "Michael": "Mike",
    "Nicholas": "Nick", "Patricia": "Pat", "Rebecca": "Becky", "Richard": "Rick",
    "Robert": "Bob", "Samuel": "Sam", "Stephen": "Steve", "Susan": "Sue", "Thomas": "Tom",
    "Timothy": "Tim", "Victoria": "Vicky", "William": "Bill",
}  # fmt: skip

_ABBREVIATIONS = {
    "Street": "St", "Avenue": "Ave", "Boulevard": "Blvd", "Drive": "Dr", "Road": "Rd",
    "Lane": "Ln", "Court": "Ct", "North": "N", "South": "S", "East": "E", "West": "W",
}  # fmt: skip

PHONE_FORMATS: tuple[Callable[[str, str, str], str], ...] = (
    lambda area, exchange, line: f"+1{area}{exchange}{line}",
    lambda area, exchange, line: f"({area}) {exchange}-{line}",
    lambda area, exchange, line: f"{area}-{exchange}-{line}",
    lambda area, exchange, line: f"{area}.{exchange}.{line}",
    lambda area, exchange, line: f"1 {area} {exchange} {line}",
    lambda area, exchange, line: f"{area}{exchange}{line}",
)


def phone_as_typed(rng: Chance, phone: str) -> str:
    """A North American E.164 number the way people type it."""
    return rng.choice(PHONE_FORMATS)(phone[2:5], phone[5:8], phone[8:])


def as_seen_elsewhere(rng: Chance, person: Person) -> Person:
    """The same person as another vendor knows them.

    The e-mail differs in case and spaces only, the phone in format only: both still identify.
    Names and the street vary the way that only fuzzy matching sees.
    """
    home = replace(person.address, address1=_street(rng, person.address.address1))
    return replace(
        person,
        email=_email(rng, person.email),
        first_name=_first_name(rng, person.first_name),
        last_name=_last_name(rng, person.last_name),
        phone=phone_as_typed(rng, person.phone),
        address=home,
    )


def _email(rng: Chance, email: str) -> str:
    form = rng.weighted({"same": 5, "upper": 1, "title": 2, "space": 2})
    if form == "upper":
        return email.upper()
    if form == "title":
        return email.title()
    return f" {email} " if form == "space" else email


def _first_name(rng: Chance, name: str) -> str:
    if name in NICKNAMES and rng.happens(0.6):
        return NICKNAMES[name]
    return rng.weighted({name: 6, name.upper(): 1, name.lower(): 1, f"{name} ": 1})


def _last_name(rng: Chance, name: str) -> str:
    if rng.happens(0.15) and len(name) > 3:
        at = rng.randint(1, len(name) - 3)
        return f"{name[:at]}{name[at + 1]}{name[at]}{name[at + 2 :]}"
    return rng.weighted({name: 6, name.upper(): 1, f" {name}": 1})


def _street(rng: Chance, street: str) -> str:
    if not rng.happens(0.5):
        return street
    return " ".join(_ABBREVIATIONS.get(word, word) for word in street.split())
