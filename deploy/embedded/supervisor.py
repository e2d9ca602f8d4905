"""Starts the processes in order, restarts what dies, stops everything within 15 seconds.

Order comes from what each child waits for; stopping goes the other way round: what depends on
others is drained before they are stopped. Everything known is in the state file at any moment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Literal

from deploy.embedded import backoff, logs, state
from deploy.embedded.giving_up import ended, give_up_if_hopeless, give_up_if_late
from deploy.embedded.layout import Layout
from deploy.embedded.order import waves
from deploy.embedded.processes import Child, Process, created
from deploy.embedded.state import Condition, PlatformState
from deploy.embedded.watched import Watched
from shared.runtime.errors import BerglineError

STOP_SECONDS = 15.0
"""Longest time between SIGTERM to the supervisor and the end of the last process."""

POLL_SECONDS = 0.05
WATCH_SECONDS = 2.0
ROTATE_SECONDS = 5.0

_ASKED_TO_END = (0, -signal.SIGTERM)

Observer = Callable[[PlatformState], None]


class _StopRequested(Exception):
    """Ends the task group; never leaves this module."""


class Supervisor:
    """Runs a fixed set of children until told to stop. The caller holds the layout's lock."""

    def __init__(
        self, children: Sequence[Child], layout: Layout, observer: Observer | None = None
    ) -> None:
        self._watched = {child.name: Watched(child) for child in children}
        self._waves = waves(children)
        self._layout = layout
        self._observer = observer
        self._phase: Literal["starting", "ready", "stopping"] = "starting"
        self._created = created(os.getpid())
        self._published: PlatformState | None = None

    def state(self) -> PlatformState:
        """The platform now."""
        return PlatformState(
            supervisor_pid=os.getpid(),
            supervisor_created=self._created,
            phase=self._phase,
            processes=tuple(watched.snapshot() for watched in self._watched.values()),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Start everything, keep it running until ``stop`` is set, then stop everything.

        Raises:
            Unavailable: something did not become ready in time; everything was stopped again.
            ConfigurationError: a process says that a setting is wrong; everything was stopped.
        """
        failure: BerglineError | None = None
        self._publish()
        try:
            async with asyncio.TaskGroup() as group:
                for watched in self._watched.values():
                    group.create_task(self._keep(watched))
                group.create_task(self._announce_ready())
                group.create_task(self._bound_logs())
                group.create_task(_until(stop))
        except* _StopRequested:
            pass
        except* BerglineError as errors:
            failure = _first(errors)
        finally:
            await self._stop_all()
        if failure is not None:
            raise failure

    def kill_all(self) -> None:
        """SIGKILL to every child, for an operator who does not want to wait."""
        for watched in self._watched.values():
            if watched.process is not None and watched.process.exit_code is None:
                watched.process.kill()

    async def _keep(self, watched: Watched) -> None:
        child = watched.child
        for name in child.after:
            await self._watched[name].first_ready.wait()
        watched.first_started = time.monotonic()
        while True:
            if self._layout.held(child.name).exists():
                await self._released(watched)
            was_ready = await self._live(watched)
            process = watched.process
            if process is None:
                continue
            code = process.exit_code
            if child.task and code == 0:
                self._set(watched, "done", "")
                watched.first_ready.set()
                return
            if not watched.first_ready.is_set():
                give_up_if_hopeless(watched, code)
            if self._layout.held(child.name).exists():
                continue
            if was_ready and code in _ASKED_TO_END:
                watched.failures = 0
            else:
                watched.failures = backoff.failures_after(watched.failures, process.ran_seconds)
            wait = backoff.delay(watched.failures)
            self._set(watched, "restarting", f"{ended(code)}; starts again in {wait:g} s")
            await asyncio.sleep(wait)
            watched.restarts += 1

    async def _released(self, watched: Watched) -> None:
        """Leave it stopped until nobody holds it."""
        self._set(watched, "stopped", "held")
        while self._layout.held(watched.child.name).exists():  # noqa: ASYNC110 a file of others
            await asyncio.sleep(POLL_SECONDS)
        watched.failures = 0
        watched.restarts += 1

    async def _live(self, watched: Watched) -> bool:
        """One process from its start to its death; whether it was ready in between."""
        child = watched.child
        watched.process = process = await Process.start(child)
        self._set(watched, "starting", "")
        beyond_repair = child.watch() if child.watch else None
        was_ready = False
        while process.exit_code is None:
            if beyond_repair and (why := beyond_repair()):
                self._set(watched, "not_ready", why)
                await process.stop()
                break
            reason = await child.ready() if child.ready else None
            if process.exit_code is not None:
                break
            if child.task:
                give_up_if_late(watched, "has not finished")
            elif reason is None:
                was_ready = True
                self._set(watched, "ready", "")
                watched.first_ready.set()
            else:
                self._set(watched, "not_ready" if was_ready else "starting", reason)
                give_up_if_late(watched, reason)
            await _ended_within(process, WATCH_SECONDS if was_ready else POLL_SECONDS)
        return was_ready

    async def _announce_ready(self) -> None:
        for watched in self._watched.values():
            await watched.first_ready.wait()
        self._phase = "ready"
        self._publish()

    async def _bound_logs(self) -> None:
        while True:
            for watched in self._watched.values():
                logs.rotate(watched.child.log)
            await asyncio.sleep(ROTATE_SECONDS)

    async def _stop_all(self) -> None:
        self._phase = "stopping"
        self._publish()
        for wave in reversed(self._waves):
            await asyncio.gather(*(self._stop(self._watched[name]) for name in wave))
        self._publish()

    async def _stop(self, watched: Watched) -> None:
        if watched.process is not None and watched.process.exit_code is None:
            await watched.process.stop()
        self._set(watched, "stopped", "")

    def _set(self, watched: Watched, condition: Condition, reason: str) -> None:
        watched.condition, watched.reason = condition, reason
        self._publish()

    def _publish(self) -> None:
        now = self.state()
        if now == self._published:
            return
        self._published = now
        state.write(self._layout.state_file, now)
        if self._observer is not None:
            self._observer(now)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise _StopRequested


async def _ended_within(process: Process, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return


def _first(errors: BaseExceptionGroup[BerglineError]) -> BerglineError:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if not isinstance(found, BerglineError):
        raise TypeError("the group holds something else") from found
    return found
