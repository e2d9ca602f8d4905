"""Posts deliveries the way vendors do: a few at once, again when told to, five seconds at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from deploy.generator.delivery import Delivery
from deploy.generator.signing import Signer
from shared.runtime.errors import Unavailable

ANSWER_SECONDS = 5.0
"""How long a vendor waits for an answer."""

MAX_ATTEMPTS = 10
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery.

    Attributes:
        delivery: what was posted.
        status: the last answer; 0 when there was none.
        delivery_id: the id that ingest gave it, from the answer; a refusal has one too.
        attempts: number of posts.
        unknown: how many of them ended without an answer: each may have been accepted.
        seconds: time from the first attempt to the last answer.
    """

    delivery: Delivery
    status: int
    delivery_id: str | None
    attempts: int
    unknown: int
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether ingest promised to keep it."""
        return 200 <= self.status < 300

    @property
    def as_expected(self) -> bool:
        """Whether the answer is the one that the plan says must come."""
        return self.status == self.delivery.status


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    delivery_id: str | None = None
    retry_after: float | None = None


class Poster:
    """Posts to one ingest.

    A refusal that asks for patience (429, 5xx) or no answer at all is tried again, after
    ``Retry-After`` where it is given; every attempt is signed anew, as Stripe does.

    Args:
        url: address of ingest.
        signer: signs with the secrets that ingest verifies with.
        concurrency: posts under way at most.
        attempts: how often one delivery is tried.
        longest_wait_s: longest time between two attempts.
    """

    def __init__(
        self,
        url: str,
        signer: Signer,
        *,
        concurrency: int = 16,
        attempts: int = MAX_ATTEMPTS,
        longest_wait_s: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._url = url.rstrip("/")
        self._signer = signer
        self._concurrency = concurrency
        self._attempts = attempts
        self._longest_wait = longest_wait_s

    async def post(
        self,
        deliveries: Iterable[Delivery],
        *,
        rate: float | None = None,
        observe: Callable[[Outcome], None] = lambda _: None,
    ) -> list[Outcome]:
        """Post everything in order, at most ``concurrency`` at a time; outcomes in plan order.

        Args:
            deliveries: consumed one by one.
            rate: deliveries per second; ``None`` posts as fast as answers come.
            observe: told each outcome as it comes.
        """
        outcomes: dict[int, Outcome] = {}

        def keep(index: int, outcome: Outcome) -> None:
            outcomes[index] = outcome
            observe(outcome)

        await self.feed(deliveries, rate=rate, observe=keep)
        return [outcomes[index] for index in sorted(outcomes)]

    async def feed(
        self,
        deliveries: Iterable[Delivery],
        *,
        rate: float | None = None,
        seconds: float | None = None,
        observe: Callable[[int, Outcome], None],
    ) -> None:
        """Post everything as :meth:`post` does and keep nothing.

        Args:
            deliveries: consumed one by one.
            rate: deliveries per second; ``None`` posts as fast as answers come.
            seconds: when to begin no more of them; ``None`` ends with the last one.
            observe: told the position of a delivery and its outcome, as it comes.
        """
        queue = enumerate(deliveries)
        async with self.session() as session, asyncio.TaskGroup() as workers:
            started = time.monotonic()

            async def work() -> None:
                for index, delivery in queue:
                    if rate:
                        await asyncio.sleep(max(0.0, started + index / rate - time.monotonic()))
                    if seconds is not None and time.monotonic() - started >= seconds:
                        return
                    observe(index, await self.deliver(session, delivery))

            for _ in range(self._concurrency):
                workers.create_task(work())

    def session(self) -> aiohttp.ClientSession:
        """The connections to post with; close them."""
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            connector=aiohttp.TCPConnector(limit=self._concurrency),
        )

    async def deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> Outcome:
        """Post one delivery until its answer is final."""
        started = time.monotonic()
        unknown = 0
        waits = _backoff()
        for attempt in range(1, self._attempts + 1):
            answer = await self._attempt(session, delivery)
            unknown += answer.status == 0
            if attempt == self._attempts or answer.status not in _TRY_AGAIN | {0}:
                break
            wait = next(waits) if answer.retry_after is None else answer.retry_after
            await asyncio.sleep(min(wait, self._longest_wait))
        return Outcome(
            delivery=delivery,
            status=answer.status,
            delivery_id=answer.delivery_id,
            attempts=attempt,
            unknown=unknown,
            seconds=time.monotonic() - started,
        )

    async def _attempt(self, session: aiohttp.ClientSession, delivery: Delivery) -> _Answer:
        target, headers = self._signer.signed(delivery, time.time(), self._url)
        try:
            async with session.post(
                self._url + target, data=delivery.body, headers=headers
            ) as response:
                body = await response.read()
                return _Answer(
                    response.status,
                    _delivery_id(body),
                    _seconds(response.headers.get("Retry-After")),
                )
        except (aiohttp.ClientError, TimeoutError):
            return _Answer(0)


async def require_answer(url: str) -> None:
    """Return when somebody answers there, whatever the answer.

    Raises:
        Unavailable: nobody does.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session,
            session.get(f"{url.rstrip('/')}/livez"),
        ):
            return
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(
            f"ingest does not answer at {url}: {type(error).__name__}",
            "`bergline up --detach` starts the embedded platform; --url names another address",
        ) from None


def _backoff() -> Iterator[float]:
    wait = _FIRST_BACKOFF_SECONDS
    while True:
        yield wait
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


def _delivery_id(body: bytes) -> str | None:
    """``delivery_id`` of an acceptance, or the UUID in a refusal's ``instance`` (RFC 9457)."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(answer, dict):
        return None
    found = answer.get("delivery_id") or answer.get("instance")
    return found.removeprefix("urn:uuid:") if isinstance(found, str) else None


def _seconds(retry_after: str | None) -> float | None:
    """RFC 9110, section 10.2.3, in its form of seconds; bounded."""
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(float(retry_after), _LONGEST_WAIT_SECONDS)
