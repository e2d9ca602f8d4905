"""Visits: which events happen when. Gaps within a session stay far below 30 minutes, between two
sessions of a visitor they are longer, so the 30-minute rule finds exactly the sessions made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.person import Person

LEAST_EVENTS, MOST_EVENTS = 3, 20
"""Of a visitor."""

USER_ID_RATIO = 0.3
"""Visitors who signed in: their ``user_id`` is their e-mail address."""

EVENTS = {
    "page_view": 50, "scroll": 15, "click": 10, "view_item": 5, "add_to_cart": 8,
    "begin_checkout": 4, "purchase": 5, "sign_up": 3,
}  # fmt: skip

_CLIENTS_OF_A_RUN = 10**6
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, and who is signed in with it."""

    client_id: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of a visit, before it is described.

    Attributes:
        visitor: whose.
        session: id of the session.
        session_number: of the visitor's sessions, from 1.
        name: of the event.
        at: microseconds since 1970.
    """

    visitor: Visitor
    session: str
    session_number: int
    name: str
    at: int


def visitor(ids: IdSpace, rng: Chance, person: Person | None, now: datetime) -> Visitor:
    """A new visitor; ``client_id`` is ten digits and the second of the first visit."""
    position = ids.count("client", _CLIENTS_OF_A_RUN)
    digits = 1_000_000_000 + ids.run * _CLIENTS_OF_A_RUN + position * 617_117 % _CLIENTS_OF_A_RUN
    first = rng.moment(now - timedelta(days=60), now - timedelta(days=30))
    return Visitor(f"{digits}.{int(first.timestamp())}", person.email if person else None)


def visits(ids: IdSpace, rng: Chance, who: Visitor, now: datetime) -> Iterator[Moment]:
    """All events of a visitor in the last 30 days, in order."""
    events = rng.randint(LEAST_EVENTS, MOST_EVENTS)
    sessions = rng.randint(1, min(3, max(1, events // 4)))
    number = rng.randint(1, 8)
    latest = now - timedelta(hours=12)
    clock = int(rng.moment(now - timedelta(days=30), latest).timestamp()) * _SECOND
    for index in range(sessions):
        session = f"{ids.run}{1_000_001 + ids.count('session'):010}"
        count = events // sessions + (index < events % sessions)
        for position in range(count):
            clock += _gap(rng, position)
            name = "session_start" if position == 0 else "page_view"
            if position > 1:
                name = rng.weighted(EVENTS)
            yield Moment(who, session, number + index, name, clock)
        clock += rng.randint(31 * 60 * _SECOND, 35 * 60 * _SECOND)


def _gap(rng: Chance, position: int) -> int:
    if position == 0:
        return 0
    if position == 1:
        return rng.randint(_SECOND // 10, _SECOND // 2)
    return rng.randint(5 * _SECOND, 300 * _SECOND)
