"""An event loop whose time stands still, so that a worker's coroutines can be stepped by hand.

asyncio's own tasks, futures, events and timeouts run on it unchanged. Nothing happens between two
calls of :meth:`VirtualLoop.run_ready`, and timers fire only when the clock is moved: the order of
all that happens is the schedule's.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Clock:
    """Seconds that pass only when they are told to; one for all workers."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class VirtualLoop:
    """As much of an event loop as coroutines ask for that talk to nobody outside.

    A loop that is not stepped any more is a process that was killed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...], Any]] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = 0
        self._loop: Any = self

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make it the running loop, as code expects that creates tasks and timeouts."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(before)

    def run_ready(self) -> None:
        """Fire the timers that are due, and run until nothing is ready."""
        ready, timers, now = self._ready, self._timers, self._clock.now
        while timers and timers[0][0] <= now:
            handle = heapq.heappop(timers)[2]
            if not handle.cancelled():
                ready.append((handle._run, (), None))
        if not ready:
            return
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._loop)
        try:
            while ready:
                callback, args, context = ready.popleft()
                if context is None:
                    callback(*args)
                else:
                    context.run(callback, *args)
        finally:
            asyncio._set_running_loop(before)

    def next_timer(self) -> float | None:
        """When the next timer is due, ``None`` when nothing waits for time."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    # -- what tasks, futures and timeouts ask of a loop ------------------------------------------

    def time(self) -> float:
        return self._clock.now

    def get_debug(self) -> bool:
        return False

    def call_soon(
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> None:
        self._ready.append((callback, args, context))

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._loop, context)
        self._made += 1
        heapq.heappush(self._timers, (when, self._made, handle))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._clock.now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when it is due."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._loop)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        task: Any = asyncio.Task(coro, loop=self._loop, name=name, context=context)
        task._log_destroy_pending = False  # killed processes leave tasks behind
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Errors that nobody waits for any more: of a process that was killed."""
