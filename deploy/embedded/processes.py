"""One child process: how it is started, how it is stopped, and that it cannot outlive us.

Each child leads a process group of its own (so Ctrl-C in the terminal reaches the supervisor
alone, which then drains in order) and on Linux is killed by the kernel when the supervisor dies.
Elsewhere the next start ends what an earlier supervisor left behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.embedded.probes import Probe

Watch = Callable[[], str | None]
"""Asked again and again: why the process will never be well and is to be ended, or ``None``."""

_TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class Child:
    """What to run and how to treat it.

    Attributes:
        name: unique, also the name of its log.
        arguments: argument list; without secrets, as everybody on the machine can read it.
        environment: the whole environment.
        log: file that takes its standard output and error.
        directory: working directory.
        ready: asked until it answers ``None``; for a task, its exit code 0 counts instead.
        after: names of children that must be ready before its first start.
        task: runs once to its end instead of staying.
        port: main port, for display.
        metrics_port: port with Prometheus metrics.
        service, replica: which service it is a process of.
        nice: added to the scheduling priority number; higher yields to others.
        ready_within_seconds: longest wait for readiness at start.
        stop_within_seconds: longest wait between SIGTERM and SIGKILL.
        watch: begins to watch a process that was just started, see :data:`Watch`.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    directory: Path
    ready: Probe | None
    after: tuple[str, ...] = ()
    task: bool = False
    port: int | None = None
    metrics_port: int | None = None
    service: str = ""
    replica: int = 0
    nice: int = 0
    ready_within_seconds: float = 120.0
    stop_within_seconds: float = 10.0
    watch: Callable[[], Watch] | None = None


class Process:
    """A running child."""

    def __init__(self, child: Child, process: asyncio.subprocess.Process) -> None:
        self.child = child
        self.pid = process.pid
        self.created = created(process.pid)
        self.started = time.monotonic()
        self._process = process

    @classmethod
    async def start(cls, child: Child) -> Process:
        """Start the child.

        Raises:
            OSError: the program cannot be run.
        """
        with child.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", str(_TETHER), str(os.getpid()), str(child.nice)),
                *child.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(child.environment),
                cwd=child.directory,
                process_group=0,
            )
        return cls(child, process)

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal, ``None`` while it runs."""
        return self._process.returncode

    @property
    def ran_seconds(self) -> float:
        """Time since it was started."""
        return time.monotonic() - self.started

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        return await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM, then SIGKILL to the whole group when the deadline has passed."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), self.child.stop_within_seconds)
        except TimeoutError:
            self.kill()
        return await self.wait()

    def kill(self) -> None:
        """SIGKILL to the child and whatever it started in its group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                return


def created(pid: int) -> float:
    """When a process was created (seconds since the epoch); 0 when it is gone.

    Together with the pid it names a process for ever: pids are used again.
    """
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def alive(pid: int, created_at: float) -> bool:
    """Whether exactly this process still runs (a zombie does not)."""
    try:
        process = psutil.Process(pid)
        return (
            abs(process.create_time() - created_at) < 0.1
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


def wait_gone(pid: int, created_at: float, seconds: float = 5.0) -> bool:
    """Wait for the end of a process that is not our child; whether it has ended."""
    deadline = time.monotonic() + seconds
    while alive(pid, created_at):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def memory_bytes(pid: int) -> int:
    """Memory of one process: PSS where the kernel tells it, otherwise RSS; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        if sys.platform == "linux":
            return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
