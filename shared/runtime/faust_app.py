"""A Faust app for consumer groups and agents, nothing else of it: how it is set up and run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
from faust.app.base import BootStrategy

from shared.runtime.faust_connection import broker_urls, credentials
from shared.runtime.settings import Settings, data_dir

METADATA_MAX_AGE_MS = 5_000
"""A topic made anew, or with more partitions, is assigned within this time and a rebalance; the
client's own 5 minutes would leave it unread that long."""


class _Boot(BootStrategy):
    """Faust starts the consumer only: what we publish goes by our own producer."""

    enable_kafka_producer = False
    enable_web = False


@dataclass(frozen=True, slots=True)
class Membership:
    """What one worker is in its group.

    Attributes:
        service: names the group.
        work_dir: Faust's directory, below the data directory unless absolute.
        port: of the worker, which tells workers of one directory apart.
        session_timeout_s: silence after which the group takes its partitions away.
    """

    service: str
    work_dir: Path
    port: int
    session_timeout_s: float


def faust_app(settings: Settings, membership: Membership, **options: Any) -> Any:
    """The Faust app of one worker, without agents; ``options`` are further ones of Faust."""
    work_dir = membership.work_dir
    if not work_dir.is_absolute():
        work_dir = data_dir() / work_dir
    work_dir.mkdir(parents=True, exist_ok=True)
    session_timeout_s = membership.session_timeout_s
    return faust.App(
        settings.environment.group(membership.service),
        broker=broker_urls(settings),
        broker_credentials=credentials(settings),
        datadir=str(work_dir / f"port-{membership.port}"),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=min(2.0, session_timeout_s / 5),
        broker_rebalance_timeout=6.0,
        broker_request_timeout=max(20.0, session_timeout_s * 2),
        broker_commit_livelock_soft_timeout=86_400.0,
        stream_processing_timeout=86_400.0,
        BootStrategy=_Boot,
        **options,
    )


async def run_app(
    app: Any,
    stop: asyncio.Event,
    drain: Callable[[], Awaitable[object]],
    leave_s: float,
    dying: asyncio.Event | None = None,
) -> None:
    """Consume until ``stop`` is set, or ``dying``, then drain and leave the group.

    Raises:
        RuntimeError: Faust's worker crashed; the process is to be started again.
    """
    starting = asyncio.ensure_future(app.start())
    crashing = asyncio.ensure_future(app._crashed.wait())
    ends = {crashing, asyncio.ensure_future(stop.wait())}
    if dying is not None:
        ends.add(asyncio.ensure_future(dying.wait()))
    try:
        # What crashes while Faust starts may keep its start from ever coming to an end.
        await asyncio.wait({starting, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if crashing.done():
            raise RuntimeError(f"the Faust worker crashed: {app.crash_reason!r}")
    finally:
        await drain()
        for task in (starting, *ends):
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(app.stop(), leave_s)
