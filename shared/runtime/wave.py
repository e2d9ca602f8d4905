"""What a wave and its builds are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a build or of a wave."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    """No build of it runs, and not every table holds it yet."""
    RETRYING = "retrying"
    """A build failed and is tried again."""
    FAILED = "failed"
    """A build failed and waits for the next commit or a longer pause."""
    ABANDONED = "abandoned"
    """Its worker ended without saying so; a later build of the table began."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build of one table.

    Attributes:
        ended_at: ``None`` while it runs or when nobody said.
        mode: ``incremental``, ``full`` or ``nothing``; ``None`` unless it succeeded.
        text: why it was built so, or what went wrong.
    """

    build_id: str
    target: str
    wave: str
    cause: str
    attempt: int
    outcome: Outcome
    started_at: datetime
    ended_at: datetime | None = None
    mode: str | None = None
    text: str = ""
    rows_read: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    snapshot_id: int | None = None
    next_attempt_at: datetime | None = None

    @property
    def duration(self) -> timedelta | None:
        """How long it took; ``None`` without an end."""
        return None if self.ended_at is None else self.ended_at - self.started_at


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave.

    Attributes:
        started_at: time of the commit, or of the first build when no commit began it.
        ended_at: when the last table held it; ``None`` while it is open.
        builds: those that belong to it, in the order in which they began.
        held: by table, when it held the wave's commit; empty when no commit began it.
        missing: derived tables that do not hold it yet.
    """

    wave: str
    outcome: Outcome
    started_at: datetime
    ended_at: datetime | None
    builds: tuple[Build, ...]
    held: Mapping[str, datetime] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def duration(self) -> timedelta | None:
        """From its start to the last table; ``None`` while it is open."""
        return None if self.ended_at is None else self.ended_at - self.started_at

    @property
    def targets(self) -> tuple[str, ...]:
        """Tables that were built for it, in the order in which their builds began."""
        return tuple(dict.fromkeys(build.target for build in self.builds))

    @property
    def taken_along(self) -> bool:
        """Whether builds of other waves brought it to every table."""
        return not self.builds and not self.missing
