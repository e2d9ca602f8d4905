"""A real Apache Kafka as a child process: one KRaft node, broker and controller in one.

It has the surface of :class:`BrokerProcess`, so tests start, kill, pause and restart it as they do
the embedded broker. It dies with the process that started it, however that ends.
"""

import base64
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.broker_process import BrokerProcess
from tests.support.kafka_tools import java_command, run_tool
from tests.support.kafka_wire import RawConnection
from tests.support.tied import tied
from tests.support.worker_ports import free_port

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
# Topics are made on purpose, as on the embedded broker.
auto.create.topics.enable=false
# One node holds every copy.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
# Small and quick: a test has few groups, and does not wait for members that will not come.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
# The successor of a killed broker may register when the session of the killed one has ended.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.backoff.ms=200
log.retention.check.interval.ms=1000
"""

_YIELDS = 5  # added to its scheduling priority number: tests share the machine


_LAUNCHER = ThreadPoolExecutor(1, "kafka-launcher")
"""The kernel ties a child to the thread that started it, so that must outlive it."""


class RealKafka(BrokerProcess):
    """One Apache Kafka: ``start`` → ``stop``/``kill9`` → ``start`` keep directory and port.

    Raises:
        Absent: Java or the jars cannot be had.
    """

    ready_within_seconds = 120.0
    is_embedded = False

    def __init__(self, directory: Path, port: int | None = None) -> None:
        super().__init__(directory)
        self.port = port or self.port
        self.settings_file = directory / "server.properties"
        self.settings_file.write_text(
            _SETTINGS.format(port=self.port, controller=free_port(), data=self.data_dir)
        )
        self._format()

    def launch(self) -> None:
        """Start it without waiting for it, formatting its directory again if that is gone."""
        if not self.data_dir.exists():
            self._format()
        _LAUNCHER.submit(super().launch).result()

    def command(self) -> Sequence[str | Path]:
        """Java, tied to this process: no Kafka is left behind by a killed test run."""
        java: list[str | Path] = [*java_command("512m"), "kafka.Kafka", self.settings_file]
        return tied(*java, nice=_YIELDS)

    def is_ready(self) -> bool:
        """Whether it lists itself as a broker: it accepts connections before it knows that."""
        try:
            with RawConnection(self.bootstrap, timeout=2.0) as connection:
                answer = connection.ask(3, 0, b"\0\0\0\1\0\1x")  # Metadata of a topic named x
                return answer.int32() == 1
        except (OSError, EOFError):
            return False

    def metrics(self) -> str:
        """Skips the test: the metrics are those of the embedded broker."""
        pytest.skip("about the embedded broker's metrics")

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        settings = str(self.settings_file)
        run_tool("kafka.tools.StorageTool", "format", "-t", cluster, "-c", settings)
