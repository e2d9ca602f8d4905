"""The worker's membership in the consumer group: Faust for groups and agents, nothing else of it.

For services whose records are few: they are delivered one by one. Offsets are stored for figures
and for what operators ask (:class:`Progress`); the rest is decided from the tables.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import faust
import structlog
from faust.app.base import BootStrategy
from faust.types.tuples import TP

from shared.runtime.faust_connection import broker_urls, credentials
from shared.runtime.outage import Outage
from shared.runtime.progress import Progress
from shared.runtime.settings import Settings, data_dir

log = structlog.stdlib.get_logger("bergline.runtime")

METADATA_MAX_AGE_MS = 5_000
STORE_S = 2.0
"""How often offsets are stored."""
ANSWER_S = 1.0
"""Longest wait until they are."""


class _Boot(BootStrategy):
    """Faust starts the consumer only: events are published by our own producer."""

    enable_kafka_producer = False
    enable_web = False


@dataclass(frozen=True, slots=True)
class Membership:
    """What one worker is in its group.

    Attributes:
        service: names the group.
        consumed: logical topics.
        work_dir: Faust's directory, below the data directory unless absolute.
        port: of the worker, which tells workers of one directory apart.
        session_timeout_s: silence after which the group takes its partitions away.
    """

    service: str
    consumed: tuple[str, ...]
    work_dir: Path
    port: int
    session_timeout_s: float


class Member(Protocol):
    """Who is told; nothing of it may raise."""

    def on_record(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        """One record, its topic by the broker's name."""

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave these (topic by the broker's name, partition) to this worker."""

    def revoked(self) -> None:
        """The group rebalances: nothing is ours until it has ended."""


def build_app(settings: Settings, membership: Membership, member: Member) -> Any:
    """The Faust app of one worker."""
    work_dir = membership.work_dir
    if not work_dir.is_absolute():
        work_dir = data_dir() / work_dir
    work_dir.mkdir(parents=True, exist_ok=True)
    session_timeout_s = membership.session_timeout_s
    app = faust.App(
        settings.environment.group(membership.service),
        broker=broker_urls(settings),
        broker_credentials=credentials(settings),
        datadir=str(work_dir / f"port-{membership.port}"),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        # What came before the group existed is found by looking at the tables.
        consumer_auto_offset_reset="latest",
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=min(2.0, session_timeout_s / 5),
        broker_rebalance_timeout=6.0,
        broker_request_timeout=max(20.0, session_timeout_s * 2),
        broker_commit_livelock_soft_timeout=86_400.0,
        stream_processing_timeout=86_400.0,
        BootStrategy=_Boot,
    )

    async def take_records(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            if message.generation_id == app.consumer_generation_id:
                member.on_record(
                    message.topic, message.partition, message.offset, event.value or b""
                )

    for name in membership.consumed:
        topic = app.topic(
            settings.environment.topic(name),
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
        )
        app.agent(topic, concurrency=1, name=f"{membership.service}-{name}")(take_records)

    @app.on_partitions_assigned.connect
    async def _assigned(*sent: Any, **_: Any) -> None:
        member.assigned([(tp.topic, tp.partition) for tp in sent[-1]])

    @app.on_partitions_revoked.connect
    async def _revoked(*_: Any, **__: Any) -> None:
        member.revoked()

    return app


async def store_offsets(app: Any, settings: Settings, progress: Progress) -> None:
    """Store what is dealt with in the group, again and again; failures are told and passed over."""
    outage = Outage(log, "offsets not stored, trying again")
    while True:
        await asyncio.sleep(STORE_S)
        error = await store_once(app, settings, progress)
        if error is None:
            outage.over()
        else:
            outage.failed(error)


async def store_once(app: Any, settings: Settings, progress: Progress) -> Exception | None:
    """Store what is dealt with now; what went wrong, if something did."""
    offsets = progress.offsets()
    if not offsets:
        return None
    wanted = {
        TP(settings.environment.topic(topic), partition): offset
        for (topic, partition), offset in offsets.items()
    }
    try:
        async with asyncio.timeout(ANSWER_S):
            await app.consumer._thread.commit(wanted)
    except Exception as error:  # noqa: BLE001 - the next round repeats it
        return error
    progress.stored(offsets)
    return None


async def run_app(
    app: Any, stop: asyncio.Event, drain: Callable[[], Awaitable[None]], leave_s: float
) -> None:
    """Consume until ``stop`` is set, then drain and leave the group.

    Raises:
        RuntimeError: Faust's worker crashed; the process is to be started again.
    """
    starting = asyncio.ensure_future(app.start())
    ending = asyncio.ensure_future(stop.wait())
    crashing = asyncio.ensure_future(app._crashed.wait())
    try:
        await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        await asyncio.wait({ending, crashing}, return_when=asyncio.FIRST_COMPLETED)
        if crashing.done():
            raise RuntimeError(f"the Faust worker crashed: {app.crash_reason!r}")
    finally:
        await drain()
        for task in (starting, ending, crashing):
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(app.stop(), leave_s)
