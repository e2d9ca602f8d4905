"""What an alerter does with a broker, once there is one: publish, take commands, be a member."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from services.alerter.config import AlerterSettings
from services.alerter.handlers import CONSUMED, SERVICE, Handlers
from services.alerter.states.announcing import Announcing
from shared.runtime.connecting import until
from shared.runtime.faust_app import Membership, run_app
from shared.runtime.faust_group import build_app
from shared.runtime.progress import Progress
from shared.runtime.stored_offsets import store_offsets, store_once
from shared.runtime.worker_bus import WorkerBus

log = structlog.stdlib.get_logger("bergline.alerter")

FLUSH_S = 3.0
"""Longest wait at the end for what is to be published."""
LEAVE_S = 1.5
CLOSE_S = 1.0
"""Longest wait for a broker that is there, and does not answer: receivers are to be told yet."""


class BrokerSide:
    """Everything else goes on without it.

    Args:
        settings: where the broker is, and what this worker is in its group.
        bus: its producer.
        announcing: publishes what the journal has.
        handlers: member of the group.
        progress: what of the commands is dealt with.
        alone: called once, when the broker is found not to answer at the start.
        ending: called when the process is to end, before what is left is published.
    """

    def __init__(
        self,
        settings: AlerterSettings,
        bus: WorkerBus,
        announcing: Announcing,
        handlers: Handlers,
        progress: Progress,
        alone: Callable[[], None],
        ending: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._announcing = announcing
        self._handlers = handlers
        self._progress = progress
        self._alone = alone
        self._ending = ending
        self._told_alone = False

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for a broker, then be with it until ``stop`` is set.

        Raises:
            RuntimeError: Faust's worker crashed.
        """
        if not await until(stop, log, "broker", self._connect):
            return
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.close)
            self._announcing.start()
            stack.push_async_callback(self._announcing.stop)
            app = build_app(
                self._settings, self._membership(), CONSUMED, self._handlers, self._bus.learn
            )
            storing = asyncio.create_task(store_offsets(app, self._settings, self._progress))
            stack.callback(storing.cancel)

            async def drain() -> None:
                self._ending()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_S):
                        await self._announcing.flush()
                await store_once(app, self._settings, self._progress)

            await run_app(app, stop, drain, LEAVE_S)

    async def close(self) -> None:
        """Close the producer, whether or not the broker answers what is under way."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._bus.stop()

    async def _connect(self) -> bool:
        try:
            return await self._bus.connect()
        except Exception:
            if not self._told_alone:
                self._told_alone = True
                self._alone()
            raise

    def _membership(self) -> Membership:
        return Membership(
            service=SERVICE,
            work_dir=self._settings.alerter_work_dir,
            port=self._settings.alerter_port,
            session_timeout_s=self._settings.alerter_session_timeout_s,
        )
