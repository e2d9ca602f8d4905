"""Does what a plan says, each thing at its moment, and undoes what must be undone."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from tests.chaos import build_workers
from tests.chaos.faults import Fault, Kind, Round, Target
from tests.chaos.outages import Outages
from tests.support.platform import EmbeddedPlatform

POLL_SECONDS = 0.1
WORKER_POLL_SECONDS = 0.5
WORKER_POLLS = 120
"""How often a process is asked for before it counts as missed."""


@dataclass(order=True)
class _Due:
    at: float
    order: int
    act: Callable[[], None] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Sleep:
    """A member of a group that slept past its session: from when to when, in ms since the epoch."""

    target: str
    began_ms: int
    ended_ms: int


class Injector:
    """Acts on one platform from the thread that calls :meth:`run`.

    Args:
        platform: what is hurt; only through its methods.
        observe: told in words each thing that was done.
    """

    def __init__(self, platform: EmbeddedPlatform, observe: Callable[[str], None]) -> None:
        self._platform = platform
        self._observe = observe
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._conditions: dict[str, str] = {}
        self.done: Counter[str] = Counter()
        """How often each fault met each target, ``missed`` one that was down already."""
        self.sleeps: list[Sleep] = []
        self.outages = Outages()

    def begin(self, plan: Round) -> float:
        """Have the faults of a round happen; when the last one begins (monotonic seconds)."""
        now = time.monotonic()
        for fault in plan.faults:
            self._at(now + fault.after_s, self._doing(fault))
        return now + max(fault.after_s for fault in plan.faults)

    def run(self, until: Callable[[], bool]) -> None:
        """Act until the condition holds; it is asked ten times a second."""
        while not until():
            self._act()
            self._see()
            wait = self._due[0].at - time.monotonic() if self._due else POLL_SECONDS
            time.sleep(min(max(wait, 0.0), POLL_SECONDS))

    def undo(self) -> None:
        """Do at once what is still to be done: nothing stays paused or full."""
        while self._due:
            heapq.heappop(self._due).act()

    @property
    def idle(self) -> bool:
        """Whether everything was done and undone."""
        return not self._due

    def _act(self) -> None:
        while self._due and self._due[0].at <= time.monotonic():
            heapq.heappop(self._due).act()

    def _see(self) -> None:
        """Tell which processes ended and how: not only those that were killed may."""
        for each in self._platform.state.processes:
            self.outages.saw(each)
            if each.condition == "restarting" != self._conditions.get(each.name):
                self._observe(f"{each.name} {each.reason}")
            self._conditions[each.name] = each.condition

    def _at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, _Due(moment, next(self._order), act))

    def _doing(self, fault: Fault) -> Callable[[], None]:
        return {
            Kind.KILL: lambda: self._kill(fault, WORKER_POLLS),
            Kind.KILL_TWO: lambda: self._kill(fault),
            Kind.PAUSE: lambda: self._pause(fault),
            Kind.DISK_FULL: lambda: self._fill(fault),
        }[fault.kind]

    def _worker(self, target: Target, act: Callable[[psutil.Process], None], patience: int) -> None:
        """Do something to a worker, as soon as there is one: a killed transformer has none yet."""
        try:
            act(build_workers.worker(self._platform, target.replica))
        except (ProcessLookupError, psutil.NoSuchProcess):
            if patience == 0:
                self._missed(target)
                return
            again = time.monotonic() + WORKER_POLL_SECONDS
            self._at(again, lambda: self._worker(target, act, patience - 1))

    def _kill_worker(self, fault: Fault) -> None:
        (target,) = fault.targets

        def kill(worker: psutil.Process) -> None:
            worker.kill()
            self.done[f"{Kind.KILL.value} {target}"] += 1
            self._observe(f"killed {target}")

        self._worker(target, kill, WORKER_POLLS)

    def _pause_worker(self, fault: Fault) -> None:
        (target,) = fault.targets

        def pause(worker: psutil.Process) -> None:
            worker.suspend()
            self.done[f"{Kind.PAUSE.value} {target}"] += 1
            self._observe(f"paused {target} for {fault.lasts_s:g} s")
            self._at(time.monotonic() + fault.lasts_s, lambda: resume(worker))

        def resume(worker: psutil.Process) -> None:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()
                self._observe(f"resumed {target}")

        self._worker(target, pause, WORKER_POLLS)

    def _kill(self, fault: Fault, patience: int = 0) -> None:
        if fault.targets[0].worker:
            self._kill_worker(fault)
            return
        for target in fault.targets:
            try:
                pid = self._platform.kill(target.service, target.replica)
            except ProcessLookupError:
                if patience == 0:
                    self._missed(target)
                    continue
                # It was killed a moment ago: its successor is killed then, as soon as there is one.
                again = time.monotonic() + WORKER_POLL_SECONDS
                self._at(again, lambda: self._kill(fault, patience - 1))
            else:
                self.outages.killed(str(target), pid)
                self.done[f"{Kind.KILL.value} {target}"] += 1
                self._observe(f"killed {target}")

    def _pause(self, fault: Fault) -> None:
        (target,) = fault.targets
        if target.worker:
            self._pause_worker(fault)
            return
        try:
            pid = self._platform.pause(target.service, target.replica)
        except ProcessLookupError:
            self._missed(target)
            return
        self.outages.hold(str(target))
        self.done[f"{Kind.PAUSE.value} {target}"] += 1
        self._observe(f"paused {target} for {fault.lasts_s:g} s")
        began_ms = int(time.time() * 1000)

        def resume() -> None:
            self.outages.release(str(target))
            try:
                resumed = self._platform.resume(target.service, target.replica)
            except ProcessLookupError:
                return
            if resumed == pid:
                self._observe(f"resumed {target}")
                if fault.zombie:
                    self.sleeps.append(Sleep(str(target), began_ms, int(time.time() * 1000)))

        self._at(time.monotonic() + fault.lasts_s, resume)

    def _missed(self, target: Target) -> None:
        self.done["missed"] += 1
        self._observe(f"{target} was down already")

    def _fill(self, fault: Fault) -> None:
        (target,) = fault.targets
        self._platform.fill_disk(target.service, fault.left_bytes)
        self.outages.hold(str(target))
        self.done[f"{Kind.DISK_FULL.value} {target}"] += 1
        self._observe(f"filled the disk of {target} for {fault.lasts_s:g} s")

        def free() -> None:
            self._platform.free_disk(target.service)
            self.outages.release(str(target))
            self._observe(f"freed the disk of {target}")

        self._at(time.monotonic() + fault.lasts_s, free)
