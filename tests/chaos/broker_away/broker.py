"""A broker outside the supervisor: what is killed stays away until it is started again."""

from __future__ import annotations

import signal
from pathlib import Path

from deploy.embedded.processes import created
from deploy.embedded.state import ProcessState
from tests.support.broker import chosen, real_kafka
from tests.support.broker_process import BrokerProcess


class AwayBroker:
    """The broker of a platform that does not start one; the embedded one, or a real Kafka."""

    def __init__(self, directory: Path) -> None:
        self.process = real_kafka(directory) if chosen() == "kafka" else BrokerProcess(directory)
        self._away = True

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return self.process.bootstrap

    @property
    def is_away(self) -> bool:
        """Whether it does not run."""
        return self._away

    def kill9(self) -> None:
        """It is gone at once, and stays so."""
        self._away = True
        self.process.kill9()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.process.start()
        self._away = False

    @property
    def state(self) -> ProcessState:
        """How it is now; it must run."""
        pid = self.process.pid
        return ProcessState(
            name="broker",
            condition="ready" if self.process.is_ready() else "starting",
            pid=pid,
            created=created(pid),
            port=self.process.port,
            log=str(self.process.log_file),
        )

    def signalled(self, number: signal.Signals) -> int:
        """Send a signal; its pid before. Nobody starts it again."""
        pid = self.process.pid
        if number is signal.SIGKILL:
            self.kill9()
        else:
            self._away = True
            self.process.stop()
        return pid

    def kill(self) -> None:
        """End it, if it runs."""
        self.process.close()
