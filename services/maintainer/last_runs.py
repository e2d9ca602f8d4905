"""How jobs of tables last ended, whoever ran them: when well, as timers count from that; or not, as
the end of a failure is told.

Without it every start, and every change of who owns a table, would search it for orphans, and a
failure would stand for ever of what is not due any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from services.maintainer.agenda import Agenda
from shared.contracts.maintenance import JobName, MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.topics import MAINTENANCE
from shared.runtime.event_log import read_events
from shared.runtime.outage import Outage
from shared.runtime.settings import Settings

log = structlog.stdlib.get_logger("bergline.maintainer")

RETRY_S = 2.0
"""Pause after the topic could not be read."""


class LastRuns:
    """Reads ``lakehouse.maintenance`` when tables are new to the worker, and tells the agenda."""

    def __init__(
        self,
        settings: Settings,
        agenda: Agenda,
        changed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._agenda = agenda
        self._changed = changed
        self._task: asyncio.Task[None] | None = None

    def assigned(self, longest_s: float) -> None:
        """Tables may be new: look back as far as the longest timer."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._read(longest_s), name="read last runs")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _read(self, longest_s: float) -> None:
        outage = Outage(log, "last jobs not known, trying again")
        while True:
            since = datetime.now(UTC) - timedelta(seconds=longest_s)
            try:
                events = await read_events(self._settings, [MAINTENANCE], since)
                break
            except Exception as error:  # noqa: BLE001 - until then no timer counts
                outage.failed(error)
                await asyncio.sleep(RETRY_S)
        outage.over()
        now, moment = datetime.now(UTC), time.monotonic()
        failing: dict[tuple[str, JobName], int] = {}
        for event in events:
            if isinstance(event, MaintenanceSucceeded):
                age = (now - event.succeeded_at).total_seconds()
                self._agenda.ran(event.table, event.job, moment - max(0.0, age))
                failing.pop((event.table, event.job), None)
            elif isinstance(event, MaintenanceFailed) and event.cause != "command":
                failing[event.table, event.job] = event.attempt
        for (table, job), times in failing.items():
            self._agenda.failed_before(table, job, times)
        self._agenda.timed = self._agenda.owned
        self._changed()
