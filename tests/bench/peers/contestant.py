"""A process that writes the topic into a table, whoever made it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from deploy.embedded import tether
from deploy.embedded.processes import memory_bytes
from shared.runtime.errors import CheckFailed
from shared.runtime.settings import Settings

STOP_SECONDS = 20.0
_LOG_TAIL = 3000


class Contestant(ABC):
    """One system in one configuration: ``start`` → ``stop``, as often as wanted.

    Args:
        settings: where broker, catalog and store are, with credentials.
        directory: of its own, for configuration and log.

    Raises:
        Absent: what it needs cannot be had on this machine.
    """

    name: ClassVar[str]
    """In names of measures."""

    title: ClassVar[str]
    """What it is, with its version and configuration, for people."""

    table: ClassVar[str]
    """Identifier of what it writes to."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self._log = directory / "process.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make table and topics, once."""

    @abstractmethod
    def start(self, commit_seconds: int) -> None:
        """Start to consume from where the last run ended, or from the log start."""

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def check(self) -> None:
        """See that it still runs.

        Raises:
            CheckFailed: it ended.
        """
        assert self._process is not None, "it does not run"
        code = self._process.poll()
        if code is not None:
            raise CheckFailed(f"{self.title} ended with exit code {code}", self.log())

    def log(self) -> str:
        """The end of what it has logged."""
        return self._log.read_text(errors="replace")[-_LOG_TAIL:] if self._log.exists() else ""

    def pause(self) -> None:
        """Freeze it."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def memory(self) -> int:
        """Bytes it uses now, shared pages by their share."""
        return memory_bytes(self.pid)

    def peak_memory(self) -> int:
        """Most bytes that were resident since its start."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _launch(
        self, command: Sequence[str], *, environment: Mapping[str, str], stdin: str = ""
    ) -> None:
        """Start the program; it dies with this process."""
        tied = [sys.executable, "-I", tether.__file__, str(os.getpid()), "0", *command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tied,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.directory,
            )
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(stdin.encode())


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until a callable answers true.

    Raises:
        CheckFailed: not within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CheckFailed(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)
