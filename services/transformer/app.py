"""Wiring of a worker: settings to running objects, and their order of start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import UTC, date, datetime
from typing import Any

import structlog

from services.transformer.config import TransformerSettings
from services.transformer.dispatching.build_metrics import BuildMetrics
from services.transformer.dispatching.dispatcher import Dispatcher
from services.transformer.dispatching.following import Following
from services.transformer.dispatching.table_outboxes import TableOutboxes
from services.transformer.handlers import CONSUMED, SERVICE, Handlers
from services.transformer.planning.planner import Planner
from services.transformer.reconciling.plan_page import PlanPage
from services.transformer.reconciling.reconciler import Reconciler
from services.transformer.reconciling.survey import Survey
from services.transformer.workers.pool import Pool
from services.transformer.workers.ray_pool import RayPool
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import BUILD_REQUESTS, COMMITS
from shared.contracts.topics import TABLES as TABLE_STATES
from shared.lake.catalog import open_catalog
from shared.lake.handle import TableHandle
from shared.lake.table_state import TableState
from shared.runtime.connecting import StartUp
from shared.runtime.event_queue import EventQueue
from shared.runtime.faust_app import Membership, run_app
from shared.runtime.faust_group import build_app
from shared.runtime.health import served
from shared.runtime.metrics import Instruments
from shared.runtime.open_waves import Waves
from shared.runtime.progress import Progress
from shared.runtime.stored_offsets import store_offsets, store_once
from shared.runtime.table_states import TableStates
from shared.runtime.worker_bus import WorkerBus
from shared.tables.registry import TABLES

log = structlog.stdlib.get_logger("bergline.transformer")

DRAIN_S = 3.0
"""Longest wait for builds under way. With all that follows it is less than a service is given, also
while the broker is silent and a build does not end."""
FLUSH_S = 1.0
LEAVE_S = 1.5


class Service:
    """One transformer process.

    Args:
        settings: of the worker.
        pool: where builds run; Ray by default.
    """

    def __init__(self, settings: TransformerSettings, pool: Pool | None = None) -> None:
        self._settings = settings
        self._as_of = date.min
        self._instruments = Instruments(SERVICE)
        self._waves = Waves(TABLES)
        self._states = TableStates(settings, self._waves.committed)
        self._planner = Planner(TABLES, settings.transformer_workers, settings.patience)
        self._progress = Progress()
        self._bus = WorkerBus(settings, SERVICE, BUILD_REQUESTS)
        self._events = EventQueue(self._bus.send)
        self._pool = RayPool(settings) if pool is None else pool
        self._survey = Survey(settings)
        self._handles: dict[str, TableHandle] = {}
        self._outboxes = TableOutboxes(
            self._planner.targets, self._states, self._announce, self._load
        )
        self._metrics = BuildMetrics(self._instruments, self._waves, self._pool, self._outboxes)
        self._reconciler = Reconciler(
            self._planner,
            self._survey,
            self._waves,
            self.business_date,
            settings.transformer_reconcile_s,
            lambda found: self._following.looked(found),
        )
        self._following = Following(
            self._events, self._metrics, self._outboxes, self._reconciler, self._states
        )
        self._dispatcher = Dispatcher(
            self._planner,
            self._pool,
            self._following,
            self.business_date,
            f"{SERVICE}/{os.getpid()}",
        )
        self._following.wake = self._dispatcher.wake
        self._plan = PlanPage(
            self._planner, self._survey, self._reconciler, self.business_date, self._dispatcher.now
        )
        key = settings.operator_key.get_secret_value() if settings.operator_key else None
        self._handlers = Handlers(
            TABLES,
            self._planner,
            self._waves,
            self._progress,
            self._events,
            settings.environment,
            key,
            self._dispatcher.wake,
            self._assigned,
            self._bus.request_partitions,
        )
        self._following.after_build = self._handlers.ended
        self._start = StartUp(log)
        self._dying = asyncio.Event()
        self._begun = False

    def business_date(self) -> date:
        """The business date; it never goes back, whatever the clock does."""
        self._as_of = max(self._as_of, self._settings.business_date(datetime.now(UTC)))
        return self._as_of

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then drain.

        Raises:
            RuntimeError: Faust's worker crashed, or the loop of builds died; the process is to be
                started again.
        """
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http())
            if not await self._start.until(stop, "broker", self._bus.connect):
                return
            stack.push_async_callback(self._bus.stop)
            app = build_app(
                self._settings, self._membership(), CONSUMED, self._handlers, self._bus.learn
            )
            stack.push_async_callback(self._pool.stop)
            self._states.reader.start()
            stack.push_async_callback(self._states.reader.stop)
            self._events.start()
            stack.push_async_callback(self._events.stop)
            stack.push_async_callback(self._outboxes.stop)
            stack.push_async_callback(self._following.stop)
            self._dispatcher.start(dying=self._dying.set)
            self._start.over()
            storing = asyncio.create_task(store_offsets(app, self._settings, self._progress))
            stack.callback(storing.cancel)
            await self._consume(app, stop)

    async def _consume(self, app: Any, stop: asyncio.Event) -> None:
        async def drain() -> None:
            await self._reconciler.stop()
            await self._dispatcher.stop(DRAIN_S)
            await asyncio.gather(self._announced(), self._events.flush(FLUSH_S))
            await store_once(app, self._settings, self._progress)

        await run_app(app, stop, drain, LEAVE_S, self._dying)
        self._dispatcher.require_alive()

    async def _announced(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._following.settle()
                await self._outboxes.flush()

    def _assigned(self, targets: frozenset[str]) -> None:
        """Called by the group: these targets are ours."""
        self._outboxes.own(targets)
        if self._handlers.joined:  # not while the group rebalances: most of it comes back
            self._metrics.own(targets)
        if self._handlers.joined and not self._begun:
            # Only now: the worker is ready before it loads Ray and the table libraries.
            self._begun = True
            self._pool.start(self._dispatcher.wake)
            self._reconciler.start()
        self._reconciler.soon()
        self._dispatcher.wake()

    def _membership(self) -> Membership:
        return Membership(
            service=SERVICE,
            work_dir=self._settings.transformer_work_dir,
            port=self._settings.transformer_port,
            session_timeout_s=self._settings.transformer_session_timeout_s,
        )

    async def _announce(self, event: TableCommitted) -> None:
        await self._bus.send(COMMITS, event)
        self._handlers.announced(event)
        await self._bus.send(TABLE_STATES, event)

    def _load(self, table: str) -> TableState:
        """The state of a table; called in one thread of its own."""
        if table not in self._handles:
            catalog = open_catalog(self._settings)
            environment = self._settings.environment
            for name in self._planner.targets:
                self._handles[name] = TableHandle(catalog, environment, name)
        return self._handles[table].reload()

    def _not_ready(self) -> str | None:
        return self._start.not_ready() or self._handlers.not_ready()

    def _info(self) -> dict[str, object]:
        oldest = self._waves.oldest()
        return {
            "targets": dict(self._planner.conditions(self._dispatcher.now())),
            "pool": self._pool.status(),
            "compared": self._reconciler.looked.is_set(),
            "waves": {
                "open": self._waves.open(),
                "oldest": None if oldest is None else oldest.id,
                "oldest_at": None if oldest is None else oldest.committed_at.isoformat(),
            },
            "events_waiting": self._events.pending,
            "events_dropped": self._events.dropped,
        }

    def _http(self) -> contextlib.AbstractAsyncContextManager[None]:
        return served(
            self._settings.bind,
            self._settings.transformer_port,
            self._instruments,
            self._not_ready,
            self._info,
            {"/plan": self._plan.answer},
        )
