"""The embedded broker as a child process, for every test that needs a Kafka.

``broker`` gives each test a broker of its own (temporary directory, free ports, ready before the
test starts); ``module_broker`` shares one among the tests of a module. Set
``BERGLINE_TEST_BROKER=host:port`` to run the same tests against another Kafka: tests that kill or
stop the broker are then skipped.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

READY_WITHIN_SECONDS = 20.0
STOP_WITHIN_SECONDS = 10.0
EXTERNAL = "BERGLINE_TEST_BROKER"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free, and below the range of outgoing connections."""
    while True:
        port = random.randint(15_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class BrokerProcess:
    """One embedded broker: ``start`` → ``stop``/``kill9`` → ``start`` keep directory and ports."""

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

    def start(self) -> None:
        """Start and wait until the broker says that it is ready."""
        assert self._process is None, "the broker is running already"
        command = [sys.executable, "-m", "deploy.embedded.broker", "--data-dir", str(self.data_dir)]
        command += ["--port", str(self.port), "--admin-port", str(self.admin_port)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=Path(__file__).parents[2],
            )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
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


class ExternalBroker(BrokerProcess):
    """Another Kafka, named by ``BERGLINE_TEST_BROKER``: it can be asked but not killed."""

    def __init__(self, address: str) -> None:
        super().__init__(Path())
        self.address = address

    @property
    def bootstrap(self) -> str:
        """``host:port`` as given by the environment."""
        return self.address

    def start(self) -> None:
        """Nothing: it runs already."""

    def close(self) -> None:
        """Nothing: it is not ours."""

    def is_ready(self) -> bool:
        """Whether the port accepts connections."""
        host, port = self.address.rsplit(":", 1)
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def metrics(self) -> str:
        """Skips the test: the metrics are those of the embedded broker."""
        pytest.skip("needs the embedded broker")

    def _ended_with(self, number: signal.Signals) -> "subprocess.Popen[bytes]":
        pytest.skip("needs a broker that may be killed")

    @property
    def pid(self) -> int:
        """Skips the test: the process is not ours."""
        pytest.skip("needs a broker that may be stopped")


def running(directory: Path) -> Iterator[BrokerProcess]:
    """A started broker, ended when the iterator is closed."""
    external = os.environ.get(EXTERNAL)
    process = ExternalBroker(external) if external else BrokerProcess(directory)
    process.start()
    try:
        yield process
    finally:
        process.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A ready broker for one test."""
    yield from running(tmp_path)


@pytest.fixture(scope="module")
def module_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A ready broker shared by the tests of one module."""
    yield from running(tmp_path_factory.mktemp("broker"))
