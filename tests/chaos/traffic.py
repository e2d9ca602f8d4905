"""The vendors of a chaos run: they post at a steady rate through everything, and keep a ledger.

One line of the ledger per delivery, written as its final answer comes, so that it outlives
whatever becomes of the run. A delivery is tried again until it is answered 2xx, as vendors do; an
attempt that got no answer, or a 503, may have arrived all the same, which is why both are noted.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from deploy.generator.delivery import Delivery
from deploy.generator.plan import stream
from deploy.generator.poster import Outcome, Poster
from deploy.generator.signing import Signer

COLUMNS = (
    "delivery_id",
    "topic",
    "event_id",
    "event_type",
    "body_md5",
    "accepted",
    "attempts",
    "unanswered",
    "key",
    "sent_at",
    "answered_at",
)
"""``sent_at`` and ``answered_at``: begin and end of the last attempt, monotonic seconds."""

_CONNECTIONS = 256
_UNDER_WAY = 4_000
"""Deliveries not answered yet, beyond which no new ones begin: the rate falls then."""
_LONGEST_WAIT_S = 3.0
_ATTEMPTS = 1_000
_LAG_S = 1.0
"""How much of what was not sent in time is made up for later."""


class _TimedPoster(Poster):
    """Notes when the last attempt of each delivery under way began."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.began: dict[int, float] = {}

    async def _attempt(self, session: aiohttp.ClientSession, delivery: Delivery) -> Any:
        self.began[id(delivery)] = time.monotonic()
        return await super()._attempt(session, delivery)


class Traffic:
    """Posts from a thread of its own between :meth:`start` and :meth:`stop`.

    Args:
        url: address of ingest.
        signer: signs as ingest verifies.
        ledger: the file to write, CSV with a heading of :data:`COLUMNS`.
        rate: webhooks a second.
        seed: which webhooks.
        deliveries: others than those of the seed, without end.
    """

    def __init__(
        self,
        url: str,
        signer: Signer,
        ledger: Path,
        *,
        rate: float,
        seed: int,
        deliveries: Iterator[Delivery] | None = None,
    ) -> None:
        self._poster = _TimedPoster(
            url,
            signer,
            concurrency=_CONNECTIONS,
            attempts=_ATTEMPTS,
            longest_wait_s=_LONGEST_WAIT_S,
        )
        self._ledger = ledger
        self._rate = rate
        self._deliveries = stream(seed) if deliveries is None else deliveries
        self._stopping = threading.Event()
        self._give_up_at = float("inf")
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="traffic")
        self.counts: Counter[str] = Counter()
        """``begun``, ``accepted``, ``refused``, ``retries``, ``unanswered``."""
        self.seconds = 0.0
        """How long new posts were begun."""

    def start(self) -> None:
        """Begin to post."""
        self._thread.start()

    def stop(self, patience_s: float = 60.0) -> None:
        """Begin no new posts, and wait for the last answer for so long; then give up.

        What was given up is in the ledger as not accepted.
        """
        self._give_up_at = time.monotonic() + patience_s
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(patience_s + 15)
        self.check()

    def check(self) -> None:
        """Raise what ended the traffic before its time."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._post())
        except BaseException as error:  # noqa: BLE001 - raised by check() in the main thread
            self._failure = error

    async def _post(self) -> None:
        began = time.monotonic()
        under_way: set[asyncio.Task[None]] = set()
        with self._ledger.open("w", newline="", buffering=1 << 16) as file:
            lines = csv.writer(file)
            lines.writerow(COLUMNS)
            async with self._poster.session() as session:

                async def deliver(delivery: Delivery) -> None:
                    try:
                        outcome = await self._poster.deliver(session, delivery)
                    except asyncio.CancelledError:
                        outcome = Outcome(delivery, 0, None, _ATTEMPTS, _ATTEMPTS, 0.0)
                    began = self._poster.began.pop(id(delivery), 0.0)
                    lines.writerow((*_line(outcome), began, time.monotonic()))
                    self._count(outcome)

                due = began
                for delivery in self._deliveries:
                    due = max(due + 1 / self._rate, time.monotonic() - _LAG_S)
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    while len(under_way) >= _UNDER_WAY and not self._stopping.is_set():
                        await asyncio.wait(under_way, timeout=0.1)
                    if self._stopping.is_set():
                        break
                    self.counts["begun"] += 1
                    task = asyncio.create_task(deliver(delivery))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                self.seconds = time.monotonic() - began
                if under_way:
                    await asyncio.wait(under_way, timeout=self._give_up_at - time.monotonic())
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way)

    def _count(self, outcome: Outcome) -> None:
        self.counts["accepted" if outcome.accepted else "refused"] += 1
        self.counts["retries"] += outcome.attempts - 1
        self.counts["unanswered"] += outcome.unknown


def _line(outcome: Outcome) -> tuple[object, ...]:
    delivery = outcome.delivery
    return (
        outcome.delivery_id if outcome.accepted else "",
        delivery.topic,
        delivery.event_id,
        delivery.event_type,
        hashlib.md5(delivery.body, usedforsecurity=False).hexdigest(),
        int(outcome.accepted),
        outcome.attempts,
        outcome.unknown,
        delivery.subject,
    )
