"""The whole embedded platform as child processes, on free ports and in a temporary directory.

``BERGLINE_TEST_BROKER=kafka`` puts a real Kafka in the place of its broker.

``platform`` gives each test one of its own; ``module_platform`` and ``session_platform`` share
one. Services can be killed, paused and resumed by name; the ports stay the same over restarts.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import psutil
import pytest
from dotenv import dotenv_values

from deploy.embedded import control, processes, state, storage
from deploy.embedded.layout import Layout
from deploy.embedded.services import replicas_of
from deploy.embedded.state import PlatformState, ProcessState
from deploy.embedded.supervisor import STOP_SECONDS
from shared.runtime.settings import Settings
from tests.support.broker import chosen
from tests.support.platform_kafka import PlatformKafka
from tests.support.small_disk import SmallDisk
from tests.support.tied import tied
from tests.support.worker_ports import platform_ports

READY_WITHIN_SECONDS = 150.0
POLL_SECONDS = 0.05


class OtherBroker(Protocol):
    """A broker that the supervisor does not start."""

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""

    @property
    def state(self) -> ProcessState:
        """How it is now, in the supervisor's words."""

    def start(self) -> None:
        """Start it and wait until it is ready."""

    def signalled(self, number: signal.Signals) -> int:
        """Send a signal; its pid before."""

    def kill(self) -> None:
        """End it."""


class EmbeddedPlatform:
    """One platform: ``start`` → ``stop``/``kill_supervisor`` → ``start`` keep data and ports.

    Args:
        directory: an empty directory for data and logs.
        replicas: processes by service; one each by default.
        environment: further variables for every process, e.g. settings of a service.
        broker: one outside of the supervisor, in the place of the embedded one.
        small_disks: bytes by service, for ``broker`` and ``storage``: its data lie on a disk of
            that size, which :meth:`fill_disk` makes full.
    """

    def __init__(
        self,
        directory: Path,
        *,
        replicas: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        small_disks: Mapping[str, int] | None = None,
        broker: OtherBroker | None = None,
    ) -> None:
        self.layout = Layout(directory / "data")
        places = {"broker": self.layout.broker, "storage": self.layout.storage}
        self._disks = {
            service: SmallDisk(places[service], size)
            for service, size in (small_disks or {}).items()
        }
        self._mounted: list[SmallDisk] = []
        self.replicas = replicas_of(replicas or {})
        self.environment = dict(environment or {})
        self.ports = platform_ports(self.replicas)
        self._process: subprocess.Popen[bytes] | None = None
        self._kafka = broker
        if broker is None and chosen() == "kafka":
            self._kafka = PlatformKafka(self.layout, self.ports.broker_port)

    def start(self, *, wait: bool = True) -> None:
        """Start the supervisor, by default waiting until everything is ready."""
        assert self._process is None, "the platform is running already"
        self.layout.prepare()
        for disk in self._disks.values():
            if disk not in self._mounted:
                disk.mount()
                self._mounted.append(disk)
        command = tied(sys.executable, "-m", "deploy.embedded")
        for service, count in self.replicas.items():
            command += ["--replicas", f"{service}={count}"]
        if self._kafka is not None:
            self._kafka.start()
            command += ["--brokers", self._kafka.bootstrap]
        with self.layout.log("supervisor").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.variables},
                cwd=Path(__file__).parents[2],
            )
        if wait:
            self.wait_ready()

    @property
    def has_embedded_broker(self) -> bool:
        """Whether its broker is ours, with sizes and metrics to tell."""
        return self._kafka is None

    @property
    def variables(self) -> dict[str, str]:
        """Variables that point a process, for example ``bergline``, to this platform."""
        chosen = {f"BERGLINE_{name.upper()}": str(port) for name, port in self.ports}
        return {**chosen, **self.environment, "BERGLINE_DATA_DIR": str(self.layout.root)}

    @property
    def connection(self) -> dict[str, str]:
        """The connection file, secrets included."""
        values = dotenv_values(self.layout.connection_file, interpolate=False)
        return {name: value or "" for name, value in values.items()}

    @property
    def settings(self) -> Settings:
        """Settings of a client of this platform."""
        return Settings(_env_file=self.layout.connection_file, env=self.environment_name)

    @property
    def environment_name(self) -> str:
        """The prefix of topics and namespaces (``BERGLINE_ENV``)."""
        return self.environment.get("BERGLINE_ENV", "")

    @property
    def state(self) -> PlatformState:
        """What the supervisor says now."""
        found = state.read(self.layout.state_file)
        assert found is not None, f"no state yet\n{self.log('supervisor')}"
        return found

    def process(self, service: str, replica: int = 0) -> ProcessState:
        """One process as the supervisor sees it."""
        if service == "broker" and self._kafka is not None:
            return self._kafka.state
        for process in self.state.processes:
            if (process.service, process.replica) == (service, replica):
                return process
        raise AssertionError(f"the platform has no {service} replica {replica}")

    def url(self, service: str = "ingest", replica: int = 0) -> str:
        """Base address of a service's HTTP port."""
        return f"http://127.0.0.1:{self.ports.service(service, replica)}"

    def log(self, name: str) -> str:
        """All that a process has written to its log."""
        path = self.layout.log(name)
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def is_ready(self) -> bool:
        """Whether every process is ready now."""
        assert self._process is not None, "the platform is not running"
        code = self._process.poll()
        assert code is None, f"the platform ended with {code}\n{self.log('supervisor')}"
        now = state.read(self.layout.state_file)
        return (
            now is not None
            and now.supervisor_pid == self._process.pid
            and now.phase == "ready"
            and all(self._is_well(process) for process in now.processes)
            and (self._kafka is None or self._kafka.state.is_well)
        )

    def wait_ready(self, seconds: float = READY_WITHIN_SECONDS) -> None:
        """Wait until every process is ready, after a start or after kills."""
        self._wait(lambda: self.is_ready, seconds, lambda: self.state.model_dump_json(indent=1))

    def wait_running(self, service: str, seconds: float = READY_WITHIN_SECONDS) -> None:
        """Wait until a process has been started, ready or not."""

        def started() -> bool:
            now = state.read(self.layout.state_file)
            return now is not None and any(
                each.pid and each.name == service for each in now.processes
            )

        self._wait(started, seconds, lambda: self.log("supervisor"))

    @property
    def family(self) -> list[psutil.Process]:
        """The supervisor, its children and theirs, Ray's among them."""
        supervisor = psutil.Process(self.state.supervisor_pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def wait_builders(self, seconds: float = READY_WITHIN_SECONDS) -> None:
        """Wait until transformer's Ray has a worker, which a ready transformer may not have yet."""

        def names() -> list[str]:
            found = []
            for process in self.family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.append(process.name())
            return found

        self._wait(
            lambda: any(name.startswith("ray::Worker") for name in names()),
            seconds,
            lambda: str(names()),
        )

    def kill(self, service: str, replica: int = 0) -> int:
        """SIGKILL to one process; its pid. The supervisor starts another."""
        return self._signalled(service, replica, signal.SIGKILL)

    def terminate(self, service: str, replica: int = 0) -> int:
        """SIGTERM to one process: it drains, then the supervisor starts another; its pid."""
        return self._signalled(service, replica, signal.SIGTERM)

    def pause(self, service: str, replica: int = 0) -> int:
        """Freeze one process (SIGSTOP); its pid."""
        return self._signalled(service, replica, signal.SIGSTOP)

    def resume(self, service: str, replica: int = 0) -> int:
        """Let a paused process go on (SIGCONT); its pid."""
        return self._signalled(service, replica, signal.SIGCONT)

    def fill_disk(self, service: str, left_bytes: int = 0) -> None:
        """Let the disk of a service with a small disk hold only so many bytes more."""
        self._disks[service].fill(left_bytes)

    def free_disk(self, service: str) -> None:
        """Give a full disk its space back."""
        self._disks[service].free()

    def wait_replaced(
        self, service: str, replica: int = 0, *, old: int, seconds: float = READY_WITHIN_SECONDS
    ) -> int:
        """Wait until the process with pid ``old`` has a ready successor; the successor's pid."""

        def replaced() -> bool:
            now = self.process(service, replica)
            return now.pid != old and self._is_well(now)

        self._wait(replaced, seconds, lambda: str(self.process(service, replica)))
        return self.process(service, replica).pid

    def stop(self) -> float:
        """SIGTERM to the supervisor; seconds until it and all children have ended."""
        process, self._process = self._process, None
        assert process is not None, "the platform is not running"
        children = self.state.processes
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_SECONDS + 5)
        took = time.monotonic() - began
        assert code == 0, f"exit code {code}\n{self.log('supervisor')}"
        if self._kafka is not None:
            self._kafka.kill()
        left = [each.name for each in children if processes.alive(each.pid, each.created)]
        assert not left, f"still running: {left}"
        return took

    def kill_supervisor(self) -> None:
        """SIGKILL to the supervisor; the kernel then kills its children."""
        process, self._process = self._process, None
        assert process is not None, "the platform is not running"
        process.kill()
        process.wait(STOP_SECONDS)
        if self._kafka is not None:
            self._kafka.kill()

    def close(self) -> None:
        """End everything whatever its state."""
        if self._process is not None:
            self.kill_supervisor()
        if self._kafka is not None:
            self._kafka.kill()
        control.end_left_over(self.layout)
        storage.remove_sockets(self.ports)
        while self._mounted:
            self._mounted.pop().unmount()

    def _signalled(self, service: str, replica: int, number: signal.Signals) -> int:
        if service == "broker" and self._kafka is not None:
            return self._kafka.signalled(number)
        process = self.process(service, replica)
        if not processes.alive(process.pid, process.created):
            raise ProcessLookupError(f"{process.name} (pid {process.pid}) has ended already")
        os.kill(process.pid, number)
        return process.pid

    @staticmethod
    def _is_well(process: ProcessState) -> bool:
        return process.is_well and (process.task or processes.alive(process.pid, process.created))

    @staticmethod
    def _wait(condition: Callable[[], bool], seconds: float, found: Callable[[], str]) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {found()}"
            time.sleep(POLL_SECONDS)


def running(directory: Path) -> Iterator[EmbeddedPlatform]:
    """A ready platform, ended when the iterator is closed."""
    embedded = EmbeddedPlatform(directory)
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    """A ready platform for one test."""
    yield from running(tmp_path)


@pytest.fixture(scope="module")
def module_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """A ready platform shared by the tests of one module."""
    yield from running(tmp_path_factory.mktemp("platform"))


@pytest.fixture(scope="session")
def session_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """A ready platform shared by all tests that do not break it."""
    yield from running(tmp_path_factory.mktemp("platform"))
