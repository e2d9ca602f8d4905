"""From how often each thing happens to deliveries in an order that is drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.happenings import HAPPENINGS
from deploy.generator.malformed import FAULTS
from deploy.generator.mix import MALFORMED, OVERTAKEN, OVERTAKING, REDELIVERED
from deploy.generator.payload import compact_json
from deploy.generator.people import PARTIES, Party, People
from deploy.generator.rates import Rates
from deploy.generator.run import Run
from deploy.generator.vendors import Vendors

_RECENT = 1_000
"""Deliveries that can still be delivered again, or be what a malformed one is made of."""


class Planner:
    """Draws what happens next at the vendors of one run.

    Args:
        run: all chance.
        now: when the first thing happens; each further one a second later.
        topics: what is told about.
        rates: which share of the people several vendors know.
    """

    def __init__(self, run: Run, now: datetime, topics: Collection[str], rates: Rates) -> None:
        self._rng = run.chance("plan")
        self._clock = now
        sources = {topic.partition(".")[0] for topic in topics}
        parties: tuple[Party, ...] = tuple(party for party in PARTIES if party in sources)
        people = People(run, now, shared_ratio=rates.shared, parties=parties)
        vendors = Vendors(run, people, now)
        self._pairs = [pair for topic, pair in vendors.overtake.items() if topic in topics]
        self._actions: dict[str, Callable[[], Delivery | None]] = {
            what: self._at_the_next_moment(happen) for what, happen in vendors.happen.items()
        } | {
            OVERTAKING: self._overtake,
            OVERTAKEN: lambda: self._overtaken.popleft() if self._overtaken else None,
            REDELIVERED: self._redeliver,
            MALFORMED: self._malform,
        }
        self._of_kind: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        for what, line in HAPPENINGS.items():
            if line.topic in topics:
                self._of_kind[line.kind].append(what)
        self._recent: dict[str, deque[Delivery]] = {
            source: deque(maxlen=_RECENT) for source in sorted(sources)
        }
        self._overtaken: deque[Delivery] = deque()
        self._faults = deque(fault for fault in FAULTS.items() if fault[0][0] in sources)

    def window(self, counts: Mapping[str, int]) -> Iterator[Delivery]:
        """So many of each, in an order that is drawn."""
        remaining = {what: count for what, count in counts.items() if count}
        for _ in range(sum(remaining.values())):
            delivery = self._next(remaining)
            if delivery.kind is not Kind.MALFORMED:
                self._recent[delivery.source].append(delivery)
            yield delivery

    def _next(self, remaining: dict[str, int]) -> Delivery:
        """The next thing that can happen, drawn by what is still to happen."""
        wanted = sorted(
            remaining, key=lambda what: self._rng.random() ** (1 / remaining[what]), reverse=True
        )
        for what in (*wanted, *self._instead_of(wanted[0])):
            delivery = self._actions[what]()
            if delivery is not None:
                _count_down(remaining, what if what in remaining else wanted[0])
                return delivery
        raise ValueError("nothing that was chosen can be created: choose more topics")

    def _instead_of(self, what: str) -> Iterator[str]:
        """What to try when its object is lacking (say, a cancelled order to delete)."""
        if what in HAPPENINGS:
            alike = self._of_kind[HAPPENINGS[what].kind]
            yield from self._rng.sample(alike, len(alike))
        yield from self._of_kind[Kind.CREATION]

    def _at_the_next_moment(
        self, happen: Callable[[datetime], Delivery | None]
    ) -> Callable[[], Delivery | None]:
        return lambda: happen(self._tick())

    def _tick(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock

    def _overtake(self) -> Delivery | None:
        pair = self._rng.choice(self._pairs)(self._tick(), self._tick())
        if pair is None:
            return None
        newer, older = pair
        self._overtaken.append(older)
        return newer

    def _redeliver(self) -> Delivery | None:
        sent = self._one_of_recent([source for source, sent in self._recent.items() if sent])
        return None if sent is None else again(sent)

    def _malform(self) -> Delivery | None:
        (source, _), spoil = self._faults[0]
        good = self._one_of_recent([source])
        if good is None:
            return None
        self._faults.rotate(-1)
        return spoil(good)

    def _one_of_recent(self, sources: list[str]) -> Delivery | None:
        sent = [len(self._recent[source]) for source in sources]
        if not any(sent):
            return None
        return self._rng.choice(self._recent[self._rng.choices(sources, weights=sent)[0]])


def _count_down(remaining: dict[str, int], what: str) -> None:
    remaining[what] -= 1
    if not remaining[what]:
        del remaining[what]


def again(sent: Delivery) -> Delivery:
    """The vendor's retry of a delivery."""
    body = sent.body
    if sent.source == "hubspot":
        events = orjson.loads(body)
        for event in events:
            event["attemptNumber"] += 1
        body = compact_json(events)
    return replace(sent, body=body, kind=Kind.REDELIVERY)
