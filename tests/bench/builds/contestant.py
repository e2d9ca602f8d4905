"""A system that brings the tables up to date, and what that costs it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import psutil

from shared.runtime.errors import CheckFailed

ROOT = Path(__file__).parents[3]
_LOG_TAIL = 3000


@dataclass(frozen=True, slots=True)
class TableCost:
    """What one table cost. A peer that builds them as one job tells none.

    Attributes:
        cpu: CPU seconds.
        mode: how it was built.
        rows_read, bytes_read, rows_written, bytes_written: as the builder counts them.
    """

    cpu: float
    mode: str = ""
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one build of all tables cost.

    Attributes:
        cpu: CPU seconds of all its processes.
        since_start: the same since the process was started, imports included.
        wall: seconds.
        peak: largest resident bytes of the process, or of the one that does its work, since it
            was started.
        tables: by table.
    """

    cpu: float
    since_start: float
    wall: float
    peak: int
    tables: Mapping[str, TableCost] = field(default_factory=dict)


class Contestant(ABC):
    """``start`` → builds → ``stop``, as often as wanted; what was built outlives the process.

    Args:
        directory: of its own.
        as_of: the business date of all builds.

    Raises:
        Absent: what it needs cannot be had on this machine.
    """

    name: ClassVar[str]
    """In names of measures."""

    title: ClassVar[str]
    """What it is, for people."""

    def __init__(self, directory: Path, as_of: date) -> None:
        self.directory = directory
        self.as_of = as_of
        self._files: list[Path] = []
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

    def land(self, files: Sequence[Path]) -> None:
        """Tell of files that raw has from now on."""
        self._files += files

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

    def full(self) -> Cost:
        """Build all tables from everything in raw, as if they had never been built."""
        return self._build(full=True)

    def incremental(self) -> Cost:
        """Bring all tables up to what is in raw."""
        return self._build(full=False)

    def mart(self) -> list[list[str | None]]:
        """Rows of the mart, their values as text, as :mod:`~.agreement` compares them."""
        rows: list[list[str | None]] = self._ask("mart")["rows"]
        return rows

    def _build(self, *, full: bool) -> Cost:
        files = [str(path) for path in self._files]
        told = self._ask("build", full=full, files=files, as_of=self.as_of.isoformat())
        tables = {name: TableCost(**cost) for name, cost in told.get("tables", {}).items()}
        return Cost(told["cpu"], told["since_start"], told["wall"], told["peak"], tables)

    def _ask(self, what: str, **arguments: Any) -> dict[str, Any]:
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
