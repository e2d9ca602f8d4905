"""Steady load: valid webhooks at a fixed rate, and the ids that ingest promised to keep."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from deploy.generator.plan import stream
from deploy.generator.poster import Outcome, Poster
from deploy.generator.signing import Signer


@dataclass(frozen=True, slots=True)
class Load:
    """What a load was answered.

    Attributes:
        accepted: delivery ids of all 2xx answers.
        refused: number of deliveries whose last answer was something else, or none.
        unknown: number of attempts that ended without an answer; each may have been accepted,
            so that many rows beyond ``accepted`` are legal.
        outcomes: everything, in order.
    """

    accepted: frozenset[str]
    refused: int
    unknown: int
    outcomes: tuple[Outcome, ...]


async def steady_load(
    url: str,
    signer: Signer,
    *,
    rate: float,
    seconds: float,
    seed: int = 42,
    concurrency: int = 64,
) -> Load:
    """Post ``rate`` webhooks a second for so many seconds; wait for the last answer.

    Deliveries that meet a dead or busy ingest are tried again, as vendors do. Everything is made
    before the first post (about 3 kB and 0.15 ms each), so that making it costs no time then.

    Args:
        url: address of ingest.
        signer: signs with the secrets that ingest verifies with.
        rate: webhooks per second.
        seconds: how long.
        seed: another seed sends other objects under other ids.
        concurrency: posts under way at most; a slow ingest lowers the rate beyond that.
    """
    deliveries = list(itertools.islice(stream(seed), round(rate * seconds)))
    outcomes = await Poster(url, signer, concurrency=concurrency).post(deliveries, rate=rate)
    return Load(
        accepted=frozenset(
            outcome.delivery_id
            for outcome in outcomes
            if outcome.accepted and outcome.delivery_id is not None
        ),
        refused=sum(not outcome.accepted for outcome in outcomes),
        unknown=sum(outcome.unknown for outcome in outcomes),
        outcomes=tuple(outcomes),
    )
