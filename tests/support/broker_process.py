"""The embedded broker as a child process on free ports; its directory and ports outlive it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.tied import tied
from tests.support.worker_ports import free_port

STOP_WITHIN_SECONDS = 10.0


class BrokerProcess:
    """One embedded broker: ``start`` → ``stop``/``kill9`` → ``start`` keep directory and ports."""

    ready_within_seconds = 60.0
    is_embedded = True
    """Whether it is ours, with an admin port and the limits that ours has."""

    def __init__(
        self, directory: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = directory / "broker"
        self.log_file = directory / "broker.log"
        self.port = free_port()
        self.admin_port = free_port()
        self.arguments = arguments
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        """Base address of the admin port."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it was started and then ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def command(self) -> Sequence[str | Path]:
        """The program and its arguments, tied to this process."""
        module = tied(sys.executable, "-m", "deploy.embedded.broker", "--data-dir", self.data_dir)
        ports = ["--port", str(self.port), "--admin-port", str(self.admin_port)]
        return [*module, *ports, *self.arguments]

    def launch(self) -> None:
        """Start the broker without waiting for it."""
        assert self._process is None, "the broker runs already"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=Path(__file__).parents[2],
            )

    def start(self) -> None:
        """Start the broker and wait until it is ready."""
        self.launch()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until a launched broker is ready; one that ended or takes too long is an error."""
        assert self._process is not None, "the broker is not running"
        deadline = time.monotonic() + self.ready_within_seconds
        while not self.is_ready():
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.kill9()
                raise AssertionError(f"broker not ready (exit code {code}):\n{self.log()}")
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether the admin port answers "ready" now."""
        try:
            with urllib.request.urlopen(f"{self.admin_url}/v1/status/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self) -> str:
        """The Prometheus text of ``/public_metrics``."""
        with urllib.request.urlopen(f"{self.admin_url}/public_metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def log(self) -> str:
        """All that the broker has written to its log."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def stop(self) -> int:
        """Ask the broker to end (SIGTERM); its exit code."""
        process = self._ended_with(signal.SIGTERM)
        return process.wait(STOP_WITHIN_SECONDS)

    def kill9(self) -> None:
        """Kill the broker as a power cut would end it, page cache excepted."""
        self._ended_with(signal.SIGKILL).wait(STOP_WITHIN_SECONDS)

    def pause(self) -> None:
        """Freeze the broker: connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused broker go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the broker whatever its state."""
        if self._process is not None:
            self.kill9()

    def _ended_with(self, number: signal.Signals) -> "subprocess.Popen[bytes]":
        process, self._process = self._process, None
        assert process is not None, "the broker is not running"
        process.send_signal(number)
        return process
