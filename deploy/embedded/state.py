"""What the supervisor tells other processes: a small file, replaced at every change.

``bergline status``, ``down`` and ``restart`` read it and act by signals; a process is named by
its pid together with its time of creation, so that a pid used again is never signalled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.embedded.layout import write_private
from deploy.embedded.processes import alive

FORMAT = 1

Condition = Literal["waiting", "starting", "ready", "not_ready", "restarting", "stopped", "done"]


class ProcessState(BaseModel):
    """One child as the supervisor sees it."""

    model_config = ConfigDict(frozen=True)

    name: str
    service: str = ""
    replica: int = 0
    condition: Condition
    reason: str = ""
    pid: int = 0
    created: float = 0.0
    restarts: int = 0
    port: int | None = None
    metrics_port: int | None = None
    log: str = ""
    task: bool = False

    @property
    def is_well(self) -> bool:
        """Whether it is as it should be."""
        return self.condition in ("ready", "done")


class PlatformState(BaseModel):
    """The platform as its supervisor sees it."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    supervisor_pid: int
    supervisor_created: float
    phase: Literal["starting", "ready", "stopping"]
    processes: tuple[ProcessState, ...]

    @property
    def supervised(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return alive(self.supervisor_pid, self.supervisor_created)

    def left_over(self) -> list[ProcessState]:
        """Children that still run."""
        return [
            process
            for process in self.processes
            if process.pid and alive(process.pid, process.created)
        ]


def write(path: Path, state: PlatformState) -> None:
    """Replace the state file (0600)."""
    write_private(path, state.model_dump_json(indent=1), durable=False)


def read(path: Path) -> PlatformState | None:
    """The last state written; ``None`` when there is none that this version can read."""
    try:
        state = PlatformState.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return state if state.format == FORMAT else None
