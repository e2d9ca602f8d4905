"""The delivery plan: a seed becomes the ordered stream of everything that is posted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.happenings import HAPPENINGS, TOPICS, Happening, Vendors
from deploy.generator.malformed import FAULTS
from deploy.generator.payload import compact_json
from deploy.generator.people import PARTIES, Party, People
from deploy.generator.rates import Rates
from deploy.generator.run import Run

DEFAULT_DELIVERIES = 920
SMALLEST_PLAN = 60
"""Below this not every kind of delivery has room."""

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When the vendors of the default plan live: fixed, so that a seed always gives the same bytes."""

PLAIN = frozenset(
    {
        "shopify.orders", "shopify.customers", "shopify.products",
        "stripe.customers", "stripe.charges",
    }
)  # fmt: skip
"""Topics that a plan is about unless others are named: each delivery is one record of its bytes."""

DEMONSTRATED = frozenset(TOPICS)
"""Topics of the demonstration: all that the vendors tell about."""

DEMONSTRATED_RATES = Rates(malformed=0.03)
"""Of the demonstration: so that every fault occurs in :data:`DEFAULT_DELIVERIES`."""

OVERTAKING, OVERTAKEN = "overtaking", "overtaken"
REDELIVERED, MALFORMED = "redelivered", "malformed"

_RECENT = 1_000
"""Deliveries that can still be delivered again, or be what a malformed one is made of."""
_WINDOW = 1_000
"""Deliveries in which every rate is kept, in a stream without end."""


def mix(
    deliveries: int,
    topics: Collection[str] = PLAIN,
    rates: Rates = Rates(),  # noqa: B008 frozen
) -> dict[str, int]:
    """How often each thing happens in exactly so many deliveries.

    Of the topics chosen, everything that has a rate above 0 happens at least once.

    Raises:
        ValueError: fewer deliveries than there are things to happen, or than
            :data:`SMALLEST_PLAN`, or no such topic.
    """
    if deliveries < SMALLEST_PLAN:
        raise ValueError(f"a plan has at least {SMALLEST_PLAN} deliveries, not {deliveries}")
    counts = {
        what: max(1, int(share * deliveries)) for what, share in shares(topics, rates).items()
    }
    filler = max(
        (what for what in counts if what in HAPPENINGS and HAPPENINGS[what].kind is Kind.CREATION),
        key=lambda what: HAPPENINGS[what].weight,
    )
    counts[filler] += deliveries - sum(counts.values())
    if counts[filler] < 1:
        raise ValueError(
            f"{deliveries} deliveries have no room for {len(counts)} different happenings"
        )
    return counts


def shares(topics: Collection[str], rates: Rates) -> dict[str, float]:
    """What happens → its share of all deliveries.

    Raises:
        ValueError: no such topic.
    """
    if unknown := set(topics) - set(TOPICS):
        raise ValueError(f"the vendors tell nothing about {', '.join(sorted(unknown))}")
    if not topics:
        raise ValueError("no topic is chosen")
    chosen = {what: line for what, line in HAPPENINGS.items() if line.topic in topics}
    weights: Counter[Kind] = Counter()
    for line in chosen.values():
        weights[line.kind] += line.weight
    pairs = rates.out_of_order if set(topics) & OVERTAKABLE else 0.0
    found = {
        what: _rate(line, rates, pairs, missing=rates.deleted if not weights[Kind.DELETION] else 0)
        * line.weight
        / weights[line.kind]
        for what, line in chosen.items()
    }
    found |= {
        OVERTAKING: pairs,
        OVERTAKEN: pairs,
        REDELIVERED: rates.redelivered,
        MALFORMED: rates.malformed,
    }
    return {what: share for what, share in found.items() if share > 0}


OVERTAKABLE = frozenset(
    {
        "shopify.orders", "stripe.charges", "hubspot.contacts", "mailchimp.subscribers",
        "standard.events",
    }
)  # fmt: skip
"""Topics in which an older version can come after a newer one."""


def _rate(line: Happening, rates: Rates, pairs: float, missing: float) -> float:
    """Share of a kind; whoever overtakes counts as updated, what no topic has is created."""
    match line.kind:
        case Kind.CREATION:
            return rates.created + missing + rates.out_of_order - pairs
        case Kind.UPDATE:
            return rates.updated - pairs
        case _:
            return rates.of(line.kind)


def plan(
    seed: int,
    deliveries: int = DEFAULT_DELIVERIES,
    *,
    now: datetime = NOW,
    run: int | None = None,
    topics: Collection[str] = PLAIN,
    rates: Rates = Rates(),  # noqa: B008 frozen
) -> list[Delivery]:
    """Exactly ``deliveries`` posts in order; equal arguments give equal bytes.

    Objects are created up to ``now`` and changed in the time after it. Everything that a delivery
    names was announced by an earlier one.

    Raises:
        ValueError: too few deliveries, or no such topic or run.
    """
    counts = mix(deliveries, topics, rates)
    return list(_Planner(Run.of(seed, run), now, topics, rates).window(counts))


def stream(
    seed: int,
    *,
    now: datetime = NOW,
    run: int | None = None,
    topics: Collection[str] = PLAIN,
    rates: Rates = Rates(malformed=0),  # noqa: B008 frozen
) -> Iterator[Delivery]:
    """Deliveries without end, as :func:`plan` makes them, in bounded memory.

    Only the newest thousand objects of a kind change and only the last thousand deliveries are
    repeated. Rates are kept in every thousand deliveries.

    Raises:
        ValueError: no such topic or run.
    """
    planner = _Planner(Run.of(seed, run), now, topics, rates)
    wanted = shares(topics, rates)
    owed = dict.fromkeys(wanted, 0.0)
    while True:
        counts = {}
        for what, share in wanted.items():
            owed[what] += share * _WINDOW
            counts[what] = int(owed[what])
            owed[what] -= counts[what]
        yield from planner.window(counts)


class _Planner:
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
