"""The scripted incident: storage is stopped under traffic, alerts fire, and all is well again.

Everything is seen from outside: answers to posts, events on ``lakehouse.alerts``, tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from deploy.demo.settings import DemoSettings
from deploy.embedded import control
from deploy.embedded.layout import Layout
from deploy.generator.mix import DEMONSTRATED
from deploy.generator.plan import stream
from deploy.generator.poster import Outcome, Poster
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event
from shared.contracts.topics import ALERTS
from shared.runtime.event_log import ends, follow_events

STOPPED = "storage"
"""Object store and catalog of the embedded platform are one process."""

EXPECTED = ("IcebergCatalogDown", "MinIODown")
"""Alerts that must fire, and be over afterwards."""

DELIVERIES = 60
RATE = 30.0
"""Posted while storage is stopped: so many, so many a second."""

SECOND_RUN = 1
"""Its vendors make other events than those of the plan."""

DEADLINE_SECONDS = 45.0

VARIABLES: Mapping[str, str] = MappingProxyType(
    {"BERGLINE_ALERTER_TIME_SCALE": "0.05", "BERGLINE_ALERTER_PROBE_EVERY_S": "0.5"}
)
"""What the platform is started with, where nothing else is set: a rule's minute is 3 s."""


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened. Times in seconds.

    Attributes:
        outcomes: answers to what was posted while storage was stopped.
        fired_s: alert → from the stop until it was firing; missing if it did not.
        down_s: from the stop until storage was ready again.
        resolved_s: alert → from when storage was started again until it was over; missing if it
            was not.
    """

    outcomes: tuple[Outcome, ...]
    fired_s: Mapping[str, float]
    down_s: float
    resolved_s: Mapping[str, float]


async def happen(settings: DemoSettings, where: Layout, poster: Poster, seed: int) -> Incident:
    """Stop storage, post, wait for the alerts, start storage, wait until they are over.

    Storage is started again whatever happens.

    Raises:
        Unavailable: storage does not end, or is not ready again in time.
    """
    begins = await ends(settings, ALERTS)
    deliveries = list(islice(stream(seed, run=SECOND_RUN, topics=DEMONSTRATED), DELIVERIES))
    async with contextlib.aclosing(follow_events(settings, begins)) as events:
        await asyncio.to_thread(control.hold, where, STOPPED, signal.SIGKILL)
        stopped = time.time()
        try:
            outcomes, fired = await asyncio.gather(
                poster.post(deliveries, rate=RATE), _seen(events, EXPECTED, "firing")
            )
        finally:
            started = time.time()
            await asyncio.to_thread(control.release, where, STOPPED)
        ready = time.time()
        resolved = await _seen(events, fired, "resolved")
    return Incident(
        outcomes=tuple(outcomes),
        fired_s={name: at - stopped for name, at in fired.items()},
        down_s=ready - stopped,
        resolved_s={name: at - started for name, at in resolved.items()},
    )


async def _seen(
    events: AsyncIterator[Event], rules: Collection[str], state: str
) -> dict[str, float]:
    """Rule → when it was in a state, of those that were in time."""
    found: dict[str, float] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE_SECONDS):
            async for event in events:
                if isinstance(event, AlertChanged) and event.state == state and event.rule in rules:
                    found.setdefault(event.rule, event.changed_at.timestamp())
                if len(found) == len(rules):
                    break
    return found
