"""The delivery plan: a seed becomes the ordered stream of everything that is posted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from deploy.generator.delivery import Delivery
from deploy.generator.mix import PLAIN, mix, shares
from deploy.generator.planner import Planner
from deploy.generator.rates import Rates
from deploy.generator.run import Run

DEFAULT_DELIVERIES = 920

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When the vendors of the default plan live: fixed, so that a seed always gives the same bytes."""

_WINDOW = 1_000
"""Deliveries in which every rate is kept, in a stream without end."""


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
    return list(Planner(Run.of(seed, run), now, topics, rates).window(counts))


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
    planner = Planner(Run.of(seed, run), now, topics, rates)
    wanted = shares(topics, rates)
    owed = dict.fromkeys(wanted, 0.0)
    while True:
        counts = {}
        for what, share in wanted.items():
            owed[what] += share * _WINDOW
            counts[what] = int(owed[what])
            owed[what] -= counts[what]
        yield from planner.window(counts)
