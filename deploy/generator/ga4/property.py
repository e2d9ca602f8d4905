"""A GA4 property: the rows of its exports, with what goes wrong in exports."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from deploy.generator.ga4.events import Row, row
from deploy.generator.ga4.sessions import USER_ID_RATIO, visitor, visits
from deploy.generator.people import People
from deploy.generator.rates import Rates
from deploy.generator.run import Run

_LATE = 200
"""Rows that are held back at most, and of the last so many one is exported again."""


def rows(run: Run, now: datetime, rates: Rates, *, visitors: int, known: int) -> Iterator[Row]:
    """Events of so many visitors, one after the other.

    Of the rates, ``redelivered`` rows are exported twice, ``out_of_order`` ones come later than
    others of their visitor, and ``malformed`` ones lack their ``client_id``. What is left without
    repeats and malformed rows are whole sessions.

    Args:
        run: of the property; its visitors are people of the run.
        now: when the vendors live.
        rates: of what goes wrong.
        visitors: how many there are.
        known: number of people of the run whom the other vendors know.
    """
    people = People(run, now)
    rng = run.chance("ga4")
    faults = run.chance("ga4 faults")
    late: deque[Row] = deque()
    sent: deque[Row] = deque(maxlen=_LATE)
    intact = 1 - rates.redelivered - rates.malformed
    for _ in range(visitors):
        person = people.person(rng.randrange(known)) if rng.happens(USER_ID_RATIO) else None
        who = visitor(run.ids, rng, person, now)
        for moment in visits(run.ids, rng, who, now):
            made = row(rng, moment)
            if faults.happens(rates.out_of_order / intact):
                late.append(made)
            else:
                sent.append(made)
                yield made
            if late and (len(late) > _LATE or faults.happens(rates.out_of_order / intact)):
                made = late.popleft()
                sent.append(made)
                yield made
            if sent and faults.happens(rates.redelivered / intact):
                yield faults.choice(sent)
            if faults.happens(rates.malformed / intact):
                yield {**row(rng, moment), "client_id": None}
    yield from late
