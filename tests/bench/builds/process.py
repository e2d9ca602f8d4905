"""A program that works for a benchmark in a process of its own, and what that process uses."""

from __future__ import annotations

import json
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psutil

from shared.runtime.errors import CheckFailed

ROOT = Path(__file__).parents[3]
_LOG_TAIL = 3000


class WorkerProcess(ABC):
    """``start`` → questions → ``stop``, as often as wanted.

    Args:
        directory: of its own; made here.
    """

    name: ClassVar[str]
    """In names of measures."""

    title: ClassVar[str]
    """What it is, for people."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen[str] | None = None
        directory.mkdir(parents=True)

    @property
    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program that :func:`tests.bench.builds.worker.serve` runs in."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables beside those of this process."""
        return {}

    def start(self) -> None:
        """Start its process."""
        assert self._process is None, "it runs already"
        with (self.directory / "process.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env={**os.environ, **self.environment},
            )

    def stop(self) -> None:
        """End its process: it ends by itself with its input."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Have it do something; what it told, with what that used (:func:`~.worker.serve`).

        Raises:
            CheckFailed: it could not, or it ended.
        """
        process = self._process
        assert process is not None, "it does not run"
        assert process.stdin is not None
        assert process.stdout is not None
        children = self._children_cpu()
        process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            raise CheckFailed(f"{self.title} ended with exit code {code}", self._log())
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise CheckFailed(f"{self.title}: {told['error']}", self._log())
        now = self._children_cpu()
        told["cpu"] += now - children
        told["since_start"] += now
        return told

    def _children_cpu(self) -> float:
        """CPU of processes that it started and that still run."""
        assert self._process is not None
        found = 0.0
        for child in psutil.Process(self._process.pid).children(recursive=True):
            times = child.cpu_times()
            found += times.user + times.system
        return found

    def _log(self) -> str:
        text = (self.directory / "process.log").read_text(errors="replace")
        return text[-_LOG_TAIL:]


def settled(pid: int, seconds: float = 0.2, idle: float = 0.02, limit: float = 20.0) -> None:
    """Wait until a process rests: until it has used less than ``idle`` of a core for a while."""
    process = psutil.Process(pid)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        before = process.cpu_times()
        time.sleep(seconds)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        if used <= idle * seconds:
            return
