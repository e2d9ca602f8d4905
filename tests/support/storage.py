"""SeaweedFS as the embedded platform runs it, alone: for tests of the lake and of itself."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import storage
from deploy.embedded.connection import connection
from deploy.embedded.probes import storage_ready
from deploy.embedded.secrets import Secrets
from shared.runtime.settings import Settings
from tests.support.tied import tied
from tests.support.worker_ports import platform_ports

READY_WITHIN_SECONDS = 90.0
STOP_WITHIN_SECONDS = 10.0


class StorageProcess:
    """One object store with catalog: ``start`` → ``kill9`` → ``start`` keep data and ports."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "storage"
        self.log_file = directory / "storage.log"
        self.secrets = Secrets.generate()
        self.ports = platform_ports({})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """Settings of a client; its broker does not exist."""
        values = connection(self.ports, self.secrets)
        return Settings.model_validate(
            {name.removeprefix("BERGLINE_").lower(): value for name, value in values.items()}
        )

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, "the storage is not running"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until S3 and catalog answer with credentials."""
        assert self._process is None, "the storage is running already"
        storage.prepare(self.directory, self.secrets)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                tied(*storage.arguments(self.directory, self.ports)),
                stdout=log,
                stderr=log,
                env={**os.environ, **storage.environment(self.secrets)},
            )
        probe = storage_ready(
            self.ports.s3_port,
            self.ports.catalog_port,
            storage.WAREHOUSE,
            self.secrets.s3_access_key,
            self.secrets.s3_secret_key.get_secret_value(),
        )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while (reason := asyncio.run(probe())) is not None:
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.close()
                log_text = self.log_file.read_text()
                raise AssertionError(f"storage: {reason} (exit code {code})\n{log_text}")
            time.sleep(0.05)

    def kill9(self) -> None:
        """Kill it as a power cut would, page cache excepted."""
        process, self._process = self._process, None
        assert process is not None, "the storage is not running"
        process.kill()
        process.wait(STOP_WITHIN_SECONDS)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it whatever its state."""
        if self._process is not None:
            self.kill9()
        storage.remove_sockets(self.ports)


def running(directory: Path) -> Iterator[StorageProcess]:
    """A ready storage, ended when the iterator is closed."""
    process = StorageProcess(directory)
    try:
        process.start()
        yield process
    finally:
        process.close()


@pytest.fixture
def storage_process(tmp_path: Path) -> Iterator[StorageProcess]:
    """A ready storage for one test."""
    yield from running(tmp_path)


@pytest.fixture(scope="module")
def module_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageProcess]:
    """A ready storage shared by the tests of one module."""
    yield from running(tmp_path_factory.mktemp("storage"))
