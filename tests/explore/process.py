"""A process that is stepped by hand, met by faults, and killed in the middle of what it does.

Everything that goes over a network, and every call in the table's thread, is an operation that
happens when the schedule says so; between two of them only the process's own coroutines run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from services.stream_writer.table_thread import TableThread
from tests.explore.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from tests.explore.world import World

_T = TypeVar("_T")

PATIENCE_S = 0.6
"""How far into the future a process that goes on waits for its own timers."""
PAUSE_S = 0.05
"""Between two attempts of a commit."""
BUSY = 300
"""More operations than any process needs before it has nothing to do."""


class Killed(BaseException):
    """The process ended in the middle of what it did."""


@dataclass(frozen=True, slots=True)
class Fault:
    """At the next point ``kind``: first ``inner`` steps of the schedule, then ``effect``."""

    kind: str
    effect: str
    inner: int


@dataclass(frozen=True, eq=False, slots=True)
class _Operation:
    kind: str
    call: Callable[[], Any]
    future: asyncio.Future[Any]


class Process:
    """Coroutines on a loop of their own, and the operations that they wait for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = VirtualLoop(world.clock)
        self.dead = False
        self.under_way = 0
        """How many steps of the schedule are in the middle of this process."""
        self.skew_s = 0.0
        self._fault: Fault | None = None
        self._pending: list[_Operation] = []
        self._in_thread = False

    def wall_clock(self) -> float:
        """What this machine takes the time to be."""
        return self.world.clock.now + self.skew_s

    def sleep(self, _: float) -> None:
        """The table's thread waits: always the same time, for what it asks is random."""
        self.point("sleep")
        self.world.clock.now += PAUSE_S

    async def operation(self, kind: str, call: Callable[[], Any]) -> Any:
        """Wait until the schedule lets it happen."""
        future = self.loop.create_future()
        self._pending.append(_Operation(kind, call, future))
        return await future

    def go(self, operations: int, fault: Fault | None) -> None:
        """Go on: so many operations, or until what it waits for is far away."""
        self._fault = fault
        self.under_way += 1
        try:
            for _ in range(operations or BUSY):
                if self.dead or not self._one():
                    return
            if not operations:
                self.world.audit.check(False, "a worker never comes to rest")
        except Killed:
            self.dead = True
        finally:
            self._fault = None
            self.under_way -= 1

    def _one(self) -> bool:
        self.loop.run_ready()
        for index, operation in enumerate(self._pending):
            if operation.kind != "thread" or not self._in_thread:
                del self._pending[index]
                self._happen(operation)
                return True
        due = self.loop.next_timer()
        if due is None or due > self.world.clock.now + PATIENCE_S:
            return False
        self.world.clock.now = max(due, self.world.clock.now)
        self.loop.run_ready()
        return True

    def _happen(self, operation: _Operation) -> None:
        future, thread = operation.future, operation.kind == "thread"
        if future.done() and not thread:  # cancelling stops the waiting, not a call in the thread
            return
        self._in_thread = self._in_thread or thread
        error: Exception | None = None
        result = None
        try:
            effect = None if thread else self.point(operation.kind)
            if effect in (None, "lost response"):
                result = operation.call()
            if effect:
                error = ConnectionError("injected")
        except Exception as raised:  # noqa: BLE001 - the process shall have it
            error = raised
        finally:
            if thread:
                self._in_thread = False
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
        self.loop.run_ready()

    def point(self, kind: str) -> str | None:
        """Something is about to happen: others act first, a fault befalls it, or it is the end."""
        fault, effect = self._fault, ""
        if fault is not None and fault.kind == kind:
            self._fault = None
            self.world.advance(fault.inner)
            effect = fault.effect
            self.world.count(f"{kind}: {effect or 'others'}")
        if self.dead or effect == "killed":
            self.dead = True
            raise Killed
        return effect or None


class Thread(TableThread):
    """The table's thread: one call at a time, when its turn comes."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def run(self, call: Callable[[], _T]) -> _T:
        result: _T = await self._process.operation("thread", call)
        return result

    def close(self) -> None:
        """Nothing runs by itself."""
