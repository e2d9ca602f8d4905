"""A real Kafka beside the platform, in the place of its broker.

It is treated as the supervisor treats the embedded broker: what was killed or ended is started
again on the same port and data, and its state is told in the supervisor's words.
"""

import os
import signal

from deploy.embedded.layout import Layout
from deploy.embedded.processes import created
from deploy.embedded.state import ProcessState
from tests.support.broker import real_kafka
from tests.support.real_kafka import RealKafka

NAME = "broker"


class PlatformKafka:
    """The Kafka of one platform; its data and log are where the embedded broker's would be."""

    def __init__(self, layout: Layout, port: int) -> None:
        self.bootstrap = f"127.0.0.1:{port}"
        self._layout = layout
        self._port = port
        self._restarts = 0
        self._kafka: RealKafka | None = None

    def start(self) -> None:
        """Start it and wait until it is ready: the platform is given a Kafka that runs."""
        if self._kafka is None:
            self._kafka = real_kafka(self._layout.root, self._port)
            self._kafka.log_file = self._layout.log(NAME)
        self._kafka.start()

    @property
    def state(self) -> ProcessState:
        """How it is now; when it had ended by itself, its successor."""
        kafka = self._running
        if kafka.has_ended:
            self._succeed(signal.SIGKILL)
        return ProcessState(
            name=NAME,
            condition="ready" if kafka.is_ready() else "starting",
            pid=kafka.pid,
            created=created(kafka.pid),
            restarts=self._restarts,
            port=self._port,
            log=str(kafka.log_file),
        )

    def signalled(self, number: signal.Signals) -> int:
        """Send a signal; its pid before. What ends it is followed by the start of a successor."""
        pid = self._running.pid
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._succeed(number)
        else:
            os.kill(pid, number)
        return pid

    def kill(self) -> None:
        """End it for now, as the end of the supervisor ends the embedded broker."""
        if self._kafka is not None:
            self._kafka.close()

    @property
    def _running(self) -> RealKafka:
        assert self._kafka is not None, "the platform is not running"
        return self._kafka

    def _succeed(self, number: signal.Signals) -> None:
        kafka = self._running
        if number is signal.SIGTERM:
            kafka.stop()
        else:
            kafka.kill9()
        kafka.launch()
        self._restarts += 1
