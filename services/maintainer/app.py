"""Wiring of a worker: settings to running objects, and their order of start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import structlog
from aiohttp import web

from services.maintainer.agenda import Agenda
from services.maintainer.config import MaintainerSettings
from services.maintainer.dispatcher import Dispatcher
from services.maintainer.handlers import CONSUMED, Handlers
from services.maintainer.last_runs import LastRuns
from services.maintainer.looks import Looks
from services.maintainer.maintenance_metrics import MaintenanceMetrics
from services.maintainer.quality import CHECKED
from services.maintainer.requests import SERVICE, Request
from services.maintainer.settled import Settled
from services.maintainer.work import Known, LakeWork
from shared.contracts.event import Event
from shared.contracts.maintenance import JobName
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import MAINTENANCE, MAINTENANCE_REQUESTS
from shared.lake.maintenance.looking import Looked
from shared.runtime.connecting import StartUp
from shared.runtime.event_queue import EventQueue
from shared.runtime.faust_app import Membership, run_app
from shared.runtime.faust_group import build_app
from shared.runtime.health import served
from shared.runtime.metrics import Instruments
from shared.runtime.progress import Progress
from shared.runtime.seen_commits import SeenCommits
from shared.runtime.stored_offsets import store_offsets, store_once
from shared.runtime.table_states import TableStates
from shared.runtime.worker_bus import WorkerBus
from shared.tables.registry import TABLES

log = structlog.stdlib.get_logger("bergline.maintainer")

DRAIN_S = 5.0
"""Longest wait for jobs under way; a compaction ends between two batches of rows."""
FLUSH_S = 1.0
LEAVE_S = 1.5


class Service:
    """One maintainer process."""

    def __init__(self, settings: MaintainerSettings) -> None:
        self._settings = settings
        self._instruments = Instruments(SERVICE)
        self._metrics = MaintenanceMetrics(self._instruments)
        self._agenda = Agenda(TABLES, settings.pace, CHECKED)
        self._looks = Looks()
        worker = f"{SERVICE}/{os.getpid()}"
        self._settled = Settled(worker)
        self._seen = SeenCommits()
        self._states = TableStates(settings, self._committed)
        self._progress = Progress()
        self._bus = WorkerBus(settings, SERVICE, MAINTENANCE_REQUESTS)
        self._events = EventQueue(self._bus.send)
        self._work = LakeWork(settings)
        self._dispatcher = Dispatcher(
            self._agenda,
            self._work,
            settings.maintainer_jobs,
            self._known,
            self._may_begin,
            self,
            worker,
        )
        self._last_runs = LastRuns(settings, self._agenda, self._dispatcher.wake)
        key = settings.operator_key.get_secret_value() if settings.operator_key else None
        self._handlers = Handlers(
            TABLES,
            self._agenda,
            self._progress,
            self._events,
            settings.environment,
            key,
            self._dispatcher.wake,
            self._assigned,
            self._bus.request_partitions,
        )
        self._start = StartUp(log)
        self._dying = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then drain.

        Raises:
            RuntimeError: Faust's worker crashed, or the loop of maintenance died; the process is to
                be started again.
        """
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http())
            if not await self._start.until(stop, "broker", self._bus.connect):
                return
            stack.push_async_callback(self._bus.stop)
            app = build_app(
                self._settings, self._membership(), CONSUMED, self._handlers, self._bus.learn
            )
            self._states.reader.start()
            stack.push_async_callback(self._states.reader.stop)
            self._events.start()
            stack.push_async_callback(self._events.stop)
            stack.push_async_callback(self._last_runs.stop)
            self._dispatcher.start(dying=self._dying.set)
            self._start.over()
            storing = asyncio.create_task(store_offsets(app, self._settings, self._progress))
            stack.callback(storing.cancel)
            await self._consume(app, stop)

    async def _consume(self, app: Any, stop: asyncio.Event) -> None:
        async def drain() -> None:
            await self._dispatcher.stop(DRAIN_S)
            await self._events.flush(FLUSH_S)
            await store_once(app, self._settings, self._progress)

        await run_app(app, stop, drain, LEAVE_S, self._dying)
        self._dispatcher.require_alive()

    def looked(self, table: str, found: Looked, due: Collection[JobName]) -> None:
        """A table was looked at. One that went to another worker meanwhile is told of there."""
        if table not in self._agenda.owned:
            return
        self._metrics.looked(table, due)
        self._looks.looked(table, found, datetime.now(UTC))
        if (told := self._settled.looked(table, found, due)) is not None:
            self.tell(told)

    def not_looked(self, table: str) -> None:
        """A table could not be looked at."""
        if table in self._agenda.owned:
            self._metrics.not_looked(table)

    def measured(self, event: Event) -> None:
        """A job has ended."""
        self._metrics.event(event)
        self._metrics.own(self._agenda.owned)  # the table may have gone while the job ran

    def tell(self, event: Event) -> None:
        """A job has ended, or had nothing to do, and others may want to know."""
        self._settled.told(event)
        self._events.tell(MAINTENANCE, event)

    def finished(self, request: Request) -> None:
        """A request has ended, well or not."""
        self._handlers.finished(request)

    def _assigned(self, tables: frozenset[str]) -> None:
        """Called by the group: these tables are ours."""
        self._dispatcher.keep(tables)
        self._work.keep(tables)
        self._metrics.own(tables)
        self._looks.keep(tables)
        self._settled.keep(tables)
        self._last_runs.assigned(self._settings.pace.longest_timer_s)
        self._dispatcher.wake()

    def _committed(self, event: TableCommitted) -> None:
        """A commit was announced: count what it brought, once."""
        if not self._seen.first_time(event) or event.only_moved:
            return
        if self._states.reader.caught_up.is_set():
            self._agenda.committed(event.table, event.added_files)
            self._dispatcher.wake()

    def _may_begin(self) -> bool:
        """Not while the group deals tables anew, nor before it is known what readers read."""
        return self._handlers.joined and self._states.reader.caught_up.is_set()

    def _known(self, table: str) -> Known:
        return Known(self._states.pinned(table), self._states.last(table))

    def _membership(self) -> Membership:
        return Membership(
            service=SERVICE,
            work_dir=self._settings.maintainer_work_dir,
            port=self._settings.maintainer_port,
            session_timeout_s=self._settings.maintainer_session_timeout_s,
        )

    def _not_ready(self) -> str | None:
        return self._start.not_ready() or self._handlers.not_ready()

    def _info(self) -> dict[str, object]:
        conditions = self._agenda.conditions(time.monotonic())
        return {
            "tables": {name: each for name, each in conditions.items() if name in TABLES},
            "entity_quality": conditions.get(CHECKED, "another worker's"),
            "events_waiting": self._events.pending,
            "events_dropped": self._events.dropped,
        }

    async def _plan(self, _: web.Request) -> web.Response:
        """What the last look at each owned table found."""
        conditions = self._agenda.conditions(time.monotonic())
        looked = {name: each for name, each in conditions.items() if name in TABLES}
        body = self._looks.told(looked, datetime.now(UTC))
        return web.Response(text=body.model_dump_json(), content_type="application/json")

    def _http(self) -> contextlib.AbstractAsyncContextManager[None]:
        return served(
            self._settings.bind,
            self._settings.maintainer_port,
            self._instruments,
            self._not_ready,
            self._info,
            {"/plan": self._plan},
        )
