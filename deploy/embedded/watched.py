"""One child of the supervisor, and what has become of it."""

from __future__ import annotations

import asyncio

from deploy.embedded.processes import Child, Process
from deploy.embedded.state import Condition, ProcessState


class Watched:
    """One child and what has become of it."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: Process | None = None
        self.condition: Condition = "waiting"
        self.reason = f"waits for {', '.join(child.after)}" if child.after else ""
        self.restarts = 0
        self.failures = 0
        self.first_ready = asyncio.Event()
        self.first_started = 0.0

    def snapshot(self) -> ProcessState:
        """As the state file shows it."""
        child, process = self.child, self.process
        return ProcessState(
            name=child.name,
            service=child.service or child.name,
            replica=child.replica,
            condition=self.condition,
            reason=self.reason,
            pid=process.pid if process else 0,
            created=process.created if process else 0.0,
            restarts=self.restarts,
            port=child.port,
            metrics_port=child.metrics_port,
            log=str(child.log),
            task=child.task,
        )
