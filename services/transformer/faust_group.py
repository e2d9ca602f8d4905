"""The worker's membership in the consumer group: Faust for groups and agents, nothing else of it.

Records are delivered one by one, as there are few. Offsets are stored for figures and for
operators' refreshes (:class:`Progress`); what is built is decided from the tables.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import structlog
from faust.app.base import BootStrategy
from faust.types.tuples import TP

from services.transformer.config import TransformerSettings
from services.transformer.handlers import SERVICE, Handlers
from services.transformer.progress import Progress
from shared.contracts.topics import BUILD_REQUESTS, COMMANDS, COMMITS
from shared.runtime.faust_connection import broker_urls, credentials
from shared.runtime.outage import Outage
from shared.runtime.settings import data_dir

log = structlog.stdlib.get_logger("bergline.transformer")

CONSUMED = (COMMITS, BUILD_REQUESTS, COMMANDS)
METADATA_MAX_AGE_MS = 5_000
STORE_S = 2.0
"""How often offsets are stored."""
ANSWER_S = 1.0
"""Longest wait until they are."""


class _Boot(BootStrategy):
    """Faust starts the consumer only: events are published by our own producer."""

    enable_kafka_producer = False
    enable_web = False


def build_app(
    settings: TransformerSettings, handlers: Handlers, request_partitions: Callable[[], int]
) -> Any:
    """The Faust app of one worker.

    Args:
        settings: of the worker.
        handlers: told of records and assignments.
        request_partitions: how many partitions the topic of build requests has.
    """
    work_dir = settings.transformer_work_dir
    if not work_dir.is_absolute():
        work_dir = data_dir() / work_dir
    work_dir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        settings.environment.group(SERVICE),
        broker=broker_urls(settings),
        broker_credentials=credentials(settings),
        datadir=str(work_dir / f"port-{settings.transformer_port}"),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        # What came before the group existed is found by looking at the tables.
        consumer_auto_offset_reset="latest",
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        broker_session_timeout=settings.transformer_session_timeout_s,
        broker_heartbeat_interval=min(2.0, settings.transformer_session_timeout_s / 5),
        broker_rebalance_timeout=6.0,
        broker_request_timeout=max(20.0, settings.transformer_session_timeout_s * 2),
        broker_commit_livelock_soft_timeout=86_400.0,
        stream_processing_timeout=86_400.0,
        BootStrategy=_Boot,
    )

    async def take_records(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            if message.generation_id == app.consumer_generation_id:
                handlers.on_record(
                    message.topic, message.partition, message.offset, event.value or b""
                )

    for name in CONSUMED:
        topic = app.topic(
            settings.environment.topic(name),
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
        )
        app.agent(topic, concurrency=1, name=f"{SERVICE}-{name}")(take_records)

    @app.on_partitions_assigned.connect
    async def _assigned(*sent: Any, **_: Any) -> None:
        handlers.assigned([(tp.topic, tp.partition) for tp in sent[-1]], request_partitions())

    @app.on_partitions_revoked.connect
    async def _revoked(*_: Any, **__: Any) -> None:
        handlers.revoked()

    return app


async def store_offsets(app: Any, settings: TransformerSettings, progress: Progress) -> None:
    """Store what is dealt with in the group, again and again; failures are told and passed over."""
    outage = Outage(log, "offsets not stored, trying again")
    while True:
        await asyncio.sleep(STORE_S)
        error = await store_once(app, settings, progress)
        if error is None:
            outage.over()
        else:
            outage.failed(error)


async def store_once(
    app: Any, settings: TransformerSettings, progress: Progress
) -> Exception | None:
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
