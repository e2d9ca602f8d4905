"""Workers as Ray actors: on a Ray of our own, or on a cluster that runs already.

Ray starts in the background, so nobody waits for it but builds. All of its blocking calls are made
in one thread (:mod:`services.transformer.workers.ray_actors`). An actor that ends, for want of
memory or killed, fails its build with that reason and is replaced; if Ray itself is gone, it is
started anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import structlog

from services.transformer.config import TransformerSettings
from services.transformer.request import BuildReport, BuildRequest
from services.transformer.workers.free_workers import FreeWorkers
from services.transformer.workers.pool import BuildError, WorkerDied
from services.transformer.workers.ray_actors import Actor, RayActors
from services.transformer.workers.worker import Failed
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import Unavailable
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.transformer")

WORKER_START_S = 90.0
"""Longest wait for a new worker: it imports the table libraries on a machine that may be busy."""
RETRY_S, LONGEST_RETRY_S = 2.0, 60.0
"""Pause after the first start that failed, doubling up to the longest: starting Ray is work."""
STOP_S = 1.5
SAID = 300
"""Characters of Ray's own words that are passed on."""


class RayPool:
    """A :class:`services.transformer.workers.pool.Pool` of Ray actors."""

    def __init__(self, settings: TransformerSettings) -> None:
        self._settings = settings
        self._thread = BlockingThread("ray")
        self._ray = RayActors(settings)
        self._running = False
        self._actors: list[Actor] = []
        self._free: FreeWorkers[Actor] = FreeWorkers()
        self._missing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._changed: Callable[[], None] = lambda: None
        self._outage = Outage(log, "no workers yet, trying again")

    @property
    def size(self) -> int:
        """Workers that there are now."""
        return len(self._actors)

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to start Ray and the workers."""
        self._changed = changed
        self._missing.set()
        self._keeper = asyncio.create_task(self._keep(), name="keep workers")

    async def build(self, target: str, request: BuildRequest) -> BuildReport:
        """Run one build in a free worker."""
        actor = await self._free.take(target)
        actor.target = target
        try:
            outcome = await self._outcome(actor, target, request)
        except BaseException as error:
            # Also when cancelled: whatever it does, this worker is not free.
            self._lost(actor, kill=not isinstance(error, WorkerDied))
            raise
        actor.target = ""
        if actor in self._actors:
            self._free.give(actor)
        if isinstance(outcome, Failed):
            raise BuildError(outcome.error_type, outcome.error)
        return outcome

    async def stop(self) -> None:
        """Kill the workers, and Ray if it is ours."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        actors, self._actors = self._actors, []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._thread.run(lambda: self._ray.end(actors))

    def status(self) -> dict[str, object]:
        """For ``/info``."""
        return {
            "ray": self._settings.ray_address or "local",
            "running": self._running,
            "workers": [
                {"host": actor.host, "pid": actor.pid, "builds": actor.target or None}
                for actor in self._actors
            ],
        }

    async def _outcome(
        self, actor: Actor, target: str, request: BuildRequest
    ) -> BuildReport | Failed:
        from ray.exceptions import RayError

        limit = self._settings.transformer_build_timeout_s
        try:
            async with asyncio.timeout(limit):
                found: Any = await _result(actor.handle.build.remote(target, request))
        except TimeoutError:
            self._ray.kill(actor)
            raise WorkerDied(
                f"the build took longer than {limit:g} s and was ended; "
                "BERGLINE_TRANSFORMER_BUILD_TIMEOUT_S allows more"
            ) from None
        except RayError as error:
            raise WorkerDied(
                f"the process that built it (pid {actor.pid} on {actor.host}) ended; the usual "
                f"reason is that memory ran out. Ray says: {_short(error)}"
            ) from None
        if not isinstance(found, BuildReport | Failed):
            raise BuildError("TypeError", f"a worker answered {type(found).__name__}")
        return found

    async def _keep(self) -> None:
        while True:
            await self._missing.wait()
            self._missing.clear()
            try:
                if not self._running:
                    await self._thread.run(self._ray.begin)
                    self._running = True
                await self._fill()
                self._outage.over()
            except Exception as error:  # noqa: BLE001 - whatever Ray raises; /info and log tell
                self._outage.failed(error)
                await self._restart()
                self._missing.set()
                await asyncio.sleep(pause_s(self._outage.failures))

    async def _fill(self) -> None:
        """As many workers as wanted."""
        wanted = self._settings.transformer_workers - len(self._actors)
        made = [await self._thread.run(self._ray.make) for _ in range(wanted)]
        for actor in made:
            try:
                async with asyncio.timeout(WORKER_START_S):
                    actor.host, actor.pid = await _result(actor.handle.place.remote())
            except TimeoutError:
                raise Unavailable(
                    f"a worker was not there {WORKER_START_S:g} s after it was asked for",
                    "on a cluster, each takes one CPU that must be free; on this machine, see "
                    f"what takes its processors, and Ray's logs in {self._ray.logs}",
                ) from None
            self._actors.append(actor)
            self._free.give(actor)
            self._changed()
        await self._thread.run(self._ray.remember)

    def _lost(self, actor: Actor, *, kill: bool) -> None:
        if kill:
            self._ray.kill(actor)
        if actor in self._actors:
            self._actors.remove(actor)
            log.warning("worker lost", pid=actor.pid, host=actor.host, target=actor.target)
            self._missing.set()

    async def _restart(self) -> None:
        """Begin from nothing: what could not make a worker makes no other one."""
        self._free.clear()
        actors, self._actors = self._actors, []
        self._running = False
        await self._thread.run(lambda: self._ray.end(actors))


def pause_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return float(min(LONGEST_RETRY_S, RETRY_S * 2.0 ** min(failures - 1, 30)))


async def _result(reference: Any) -> Any:
    future: Future[Any] = reference.future()
    return await asyncio.wrap_future(future)


def _short(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if len(said) <= SAID else f"{said[:SAID]}…"
