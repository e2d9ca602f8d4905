"""From the planner's decisions to builds in the pool, and what becomes of them on the topic."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import structlog

from services.transformer.dispatching import build_events
from services.transformer.planning.planner import Planner
from services.transformer.planning.wishes import Start
from services.transformer.request import BuildReport, BuildRequest, Stage
from services.transformer.workers.pool import BuildError, Pool
from shared.contracts.event import Event
from shared.contracts.identity import uuid7
from shared.runtime.errors import Unavailable

log = structlog.stdlib.get_logger("bergline.transformer")

CUT_S = 0.5
"""Longest wait for builds that are cut off."""


class Observer(Protocol):
    """Who is told of builds. Called in the event loop; must not block."""

    def tell(self, event: Event) -> None:
        """An event for ``lakehouse.builds``."""

    def ended(self, start: Start, report: BuildReport | None) -> None:
        """A build has ended; with a report it has succeeded."""

    def history(self, target: str) -> tuple[int | None, tuple[int, ...]]:
        """The target's last announced sequence number, and its snapshots that readers recorded."""


@dataclass(frozen=True, slots=True)
class _Rebuild:
    """The first step of a rebuild, kept until it is published: both are one build."""

    build_id: str
    report: BuildReport
    seconds: float


class Dispatcher:
    """Starts builds as long as it runs.

    Args:
        planner: decides what starts.
        pool: runs it.
        observer: told of every start and end.
        business_date: of now.
        name: of this worker, for events.
        clock: monotonic seconds, as the planner counts them.
    """

    def __init__(
        self,
        planner: Planner,
        pool: Pool,
        observer: Observer,
        business_date: Callable[[], date],
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._planner = planner
        self._pool = pool
        self._observer = observer
        self._business_date = business_date
        self._name = name
        self._clock = clock
        self._wake = asyncio.Event()
        self._builds: set[asyncio.Task[None]] = set()
        self._rebuilds: dict[str, _Rebuild] = {}
        self._loop: asyncio.Task[None] | None = None
        self._died: BaseException | None = None
        self._dying: Callable[[], None] = lambda: None

    def start(self, dying: Callable[[], None]) -> None:
        """Begin to dispatch. ``dying`` is called when the loop, or what follows a build, dies of a
        fault: then tables stay unbuilt, and the process is to end with :meth:`require_alive`."""
        self._dying = dying
        self._loop = asyncio.create_task(self._run(), name="dispatch builds")
        self._loop.add_done_callback(self._over)

    def require_alive(self) -> None:
        """After the end: whether that was one.

        Raises:
            RuntimeError: the loop died.
        """
        if self._died is not None:
            raise RuntimeError("the loop of builds died") from self._died

    def now(self) -> float:
        """The moment as the planner counts it."""
        return self._clock()

    def wake(self) -> None:
        """Something is wanted, or the pool has changed."""
        self._wake.set()

    async def stop(self, drain_s: float) -> None:
        """Start no more builds; wait for those under way, but not longer than ``drain_s``.

        What is cut off then is planned again by the next owner.
        """
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait({self._loop})
        if self._builds:
            await asyncio.wait(self._builds, timeout=drain_s)
        for build in self._builds:
            build.cancel()
        if self._builds:
            await asyncio.wait(self._builds, timeout=CUT_S)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            now = self._clock()
            for start in self._planner.starts(now, self._pool.size):
                task = asyncio.create_task(self._build(start), name=f"build {start.target}")
                self._builds.add(task)
                task.add_done_callback(self._over)
            at = self._planner.wake_at(now)
            # Not wait_for: before Python 3.12 it may swallow the cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if at is None else max(0.01, at - now)):
                    await self._wake.wait()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._builds.discard(task)
        if task.cancelled() or (error := task.exception()) is None or self._died is not None:
            return
        self._died = error
        log.error("the loop of builds died", exc_info=error)
        self._dying()

    async def _build(self, start: Start) -> None:
        first = self._rebuilds.pop(start.target, None) if start.stage is Stage.PUBLISH else None
        build_id = uuid7() if first is None else first.build_id
        if first is None:
            self._observer.tell(build_events.started(start, build_id, self._name))
        began = self._clock()
        try:
            report = await self._pool.build(start.target, self._request(start, build_id))
        except BuildError as error:
            self._failed(start, build_id, error, self._clock() - began)
        except Exception as error:
            log.exception("a build ended in a way that it should not", target=start.target)
            unknown = BuildError(type(error).__name__, str(error))
            self._failed(start, build_id, unknown, self._clock() - began)
        else:
            self._succeeded(start, build_id, first, report, self._clock() - began)
        finally:
            self._wake.set()

    def _request(self, start: Start, build_id: str) -> BuildRequest:
        announced, pinned = self._observer.history(start.target)
        return BuildRequest(
            build_id=build_id,
            stage=start.stage,
            reason=start.wish.reason,
            as_of=self._business_date(),
            days=start.days,
            announced=announced,
            pinned=pinned,
        )

    def _succeeded(
        self,
        start: Start,
        build_id: str,
        first: _Rebuild | None,
        report: BuildReport,
        seconds: float,
    ) -> None:
        self._planner.succeeded(start, report.rebuild, report.sources)
        if start.stage is Stage.REBUILD:
            self._rebuilds[start.target] = _Rebuild(build_id, report, seconds)
            return
        if report.snapshot_id is not None:
            number = report.sequence_number
            self._planner.committed(start, report.snapshot_id, number, self._clock())
        if first is not None:
            report, seconds = build_events.together(first.report, report), seconds + first.seconds
        self._observer.tell(build_events.succeeded(start, build_id, report, seconds))
        self._observer.ended(start, report)

    def _failed(self, start: Start, build_id: str, error: BuildError, seconds: float) -> None:
        away = error.error_type == Unavailable.__name__
        failure = self._planner.failed(start, self._clock(), away=away)
        log.warning(
            "build failed",
            target=start.target,
            stage=start.stage.value,
            attempt=failure.attempt,
            will_retry=failure.will_retry,
            error=str(error),
        )
        self._observer.tell(build_events.failed(start, build_id, failure, error, seconds))
        self._observer.ended(start, None)
