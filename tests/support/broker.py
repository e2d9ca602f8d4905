"""A Kafka for every test that needs one: ours, or what ``BERGLINE_TEST_BROKER`` names.

``broker`` gives each test one of its own (temporary directory, free ports, ready before the test
starts, may be killed and started again); ``shared_broker`` serves a whole session. The variable is

- empty: the embedded broker;
- ``kafka``: a real Apache Kafka that is fetched and started by the tests themselves;
- ``HOST:PORT``: any other one that runs already. What would kill it is skipped.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.apache_kafka.jars import Absent
from tests.support.broker_process import BrokerProcess
from tests.support.real_kafka import RealKafka
from tests.support.worker_ports import free_port

__all__ = ["BrokerProcess", "broker", "free_port", "running", "shared_broker"]

CHOICE = "BERGLINE_TEST_BROKER"


class ExternalBroker(BrokerProcess):
    """Another Kafka, named by address: it can be asked but not killed."""

    is_embedded = False

    def __init__(self, address: str) -> None:
        super().__init__(Path())
        self.address = address

    @property
    def bootstrap(self) -> str:
        """``host:port`` as given by the environment."""
        return self.address

    def launch(self) -> None:
        """Nothing: it runs already."""

    def wait_ready(self) -> None:
        """Nothing: it was ready before."""

    def close(self) -> None:
        """Nothing: it is not ours."""

    def is_ready(self) -> bool:
        """Whether the port accepts connections."""
        host, port = self.address.rsplit(":", 1)
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def metrics(self) -> str:
        """Skips the test: the metrics are those of the embedded broker."""
        pytest.skip("about the embedded broker's metrics")

    def _ended_with(self, number: int) -> "subprocess.Popen[bytes]":
        pytest.skip("needs a broker that may be killed")

    @property
    def pid(self) -> int:
        """Skips the test: the process is not ours."""
        pytest.skip("needs a broker that may be stopped")


def chosen() -> str:
    """Which broker the tests run on: ``embedded``, ``kafka`` or an address."""
    return os.environ.get(CHOICE) or "embedded"


def real_kafka(directory: Path, port: int | None = None) -> RealKafka:
    """A real Kafka that was not started yet; skips the test where there can be none."""
    try:
        return RealKafka(directory, port)
    except Absent as reason:
        pytest.skip(str(reason))


def running(directory: Path) -> Iterator[BrokerProcess]:
    """A started broker, ended when the iterator is closed."""
    process: BrokerProcess
    match chosen():
        case "embedded":
            process = BrokerProcess(directory, "--housekeeping-seconds", "1")
        case "kafka":
            process = real_kafka(directory)
        case address:
            process = ExternalBroker(address)
    try:
        process.start()
        yield process
    finally:
        process.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A ready broker for one test."""
    yield from running(tmp_path)


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A ready broker for all tests that use names of their own."""
    yield from running(tmp_path_factory.mktemp("broker"))
