"""When collected appends are written: one tick at a time, the files of a tick together.

While a tick writes, the next one collects: the slower the disk, the more records share a sync. A
lone record waits only for its own. An ``interval`` between the starts of ticks saves syncs and
costs latency: measured with aiokafka, which waits for each answer, 2 ms halve the throughput, so
the default is 0.

A few files on a fast disk are synced on the event loop, as the way to a thread and back takes
longer than the sync (measured: 0.15 ms; threads cost a fifth of the throughput). Once a tick was
slow, the following ones go to threads, until the disk has been fast for a while.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

log = logging.getLogger(__name__)

Job = Callable[[], None]
_THREADS = 4
_JOBS_PER_LANE = 4  # waking another thread costs more than syncing a few small files in a row
_FAST_SECONDS = 0.002
_FORGET_SLOWNESS = 0.98  # per tick
_Outcomes = list[tuple["Flushable", OSError | None]]


class Flushable(Protocol):
    """A file that collects appends and wants them written."""

    def begin_flush(self) -> Job | None:
        """Take what was collected; the job writes and syncs it, and raises OSError."""

    def finish_flush(self, error: OSError | None) -> None:
        """Learn on the event loop how the job ended."""


class Flusher:
    """Runs the ticks; one per broker."""

    def __init__(self, interval_seconds: float) -> None:
        self._interval = interval_seconds
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="flush")
        self._dirty: dict[Flushable, None] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._slowness = 0.0  # seconds that a tick took lately
        self.failures = 0

    def request(self, target: Flushable) -> None:
        """Have ``target`` flushed in the next tick."""
        self._dirty[target] = None
        self._wake.set()

    async def run(self) -> None:
        """Flush until ``close`` is called and nothing is left to write."""
        loop = asyncio.get_running_loop()
        last = 0.0
        while not self._closing or self._dirty:
            await self._wake.wait()
            await asyncio.sleep(max(0.0, last + self._interval - loop.time()))
            last = loop.time()
            self._wake.clear()
            await self._tick()
            if self._closing:
                self._wake.set()
        self._executor.shutdown()

    def close(self) -> None:
        """Let ``run`` end after what is collected now."""
        self._closing = True
        self._wake.set()

    async def _tick(self) -> None:
        targets, self._dirty = list(self._dirty), {}
        started = [(target, job) for target in targets if (job := target.begin_flush())]
        if not started:
            return
        began = time.perf_counter()
        for target, error in await self._written(started):
            if error is not None:
                self.failures += 1
                log.error("storage failed, nothing was acknowledged: %s", error)
            target.finish_flush(error)
        took = time.perf_counter() - began
        self._slowness = max(took, self._slowness * _FORGET_SLOWNESS)

    async def _written(self, started: list[tuple[Flushable, Job]]) -> _Outcomes:
        if len(started) <= _JOBS_PER_LANE and self._slowness < _FAST_SECONDS:
            return _write(started)
        loop = asyncio.get_running_loop()
        lanes = min(_THREADS, -(-len(started) // _JOBS_PER_LANE))
        outcomes = await asyncio.gather(
            *(
                loop.run_in_executor(self._executor, _write, started[lane::lanes])
                for lane in range(lanes)
            )
        )
        return [each for lane in outcomes for each in lane]


def _write(started: list[tuple[Flushable, Job]]) -> _Outcomes:
    outcomes: _Outcomes = []
    for target, job in started:
        error: OSError | None = None
        try:
            job()
        except OSError as failed:
            error = failed
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, it is not on the disk
            error = OSError(repr(fault))
        outcomes.append((target, error))
    return outcomes
