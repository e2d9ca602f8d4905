"""What the threads of jobs do: look at a table, run a job on it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from services.maintainer.config import MaintainerSettings
from services.maintainer.quality import check
from services.maintainer.requests import SERVICE
from services.maintainer.tasks import Task
from shared.contracts.tables import TableCommitted
from shared.lake.maintenance.asked import Asked, Kept
from shared.lake.maintenance.job_result import JobResult
from shared.lake.maintenance.looking import Looked
from shared.lake.maintenance.maintained import Maintained
from shared.lake.maintenance.scratch import remove_abandoned
from shared.lake.reader import LakeReader
from shared.lake.returned_memory import give_back
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused
from shared.tables.registry import TABLES


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of a table when a job of it began.

    Attributes:
        pinned: snapshots that announced commits of derived tables have recorded as read.
        announced: its last announced commit.
    """

    pinned: frozenset[int] = frozenset()
    announced: TableCommitted | None = None

    def kept(self, state: TableState) -> Kept:
        """What expiry must leave of the table in this state."""
        last = self.announced
        ours = last is not None and last.uuid == state.table_uuid
        return Kept(self.pinned, last.sequence_number if ours and last is not None else 0)


class Work(Protocol):
    """Blocking calls, at most one at a time for each table."""

    def look(self, table: str, known: Known) -> Looked:
        """The table as it is now, and what is due."""

    def run(self, task: Task, known: Known, stop: Callable[[], bool]) -> JobResult:
        """Run a job."""


class LakeWork:
    """:class:`Work` on the tables of the lake."""

    def __init__(self, settings: MaintainerSettings) -> None:
        self._settings = settings
        self._tables: dict[str, Maintained] = {}
        self._thread = threading.local()
        pa.set_cpu_count(settings.maintainer_threads)
        remove_abandoned()

    def keep(self, tables: Collection[str]) -> None:
        """Forget what is remembered of all other tables: they are somebody else's."""
        for name in self._tables.keys() - set(tables):
            del self._tables[name]

    def look(self, table: str, known: Known) -> Looked:
        """The table as it is now, and what is due."""
        self._step_back()
        return self._of(table).look(known.kept)

    def run(self, task: Task, known: Known, stop: Callable[[], bool]) -> JobResult:
        """Run a job."""
        self._step_back()
        assert task.job is not None  # noqa: S101 - looks go another way
        try:
            if task.job == "quality":
                return check(self._settings, stop)
            return self._of(task.table).run(task.job, asked(task), known.kept, stop=stop)
        finally:
            give_back()

    def _of(self, name: str) -> Maintained:
        found = self._tables.get(name)
        if found is None:
            reader = LakeReader(self._settings)
            found = Maintained(reader, TABLES[name], self._settings.policy, SERVICE)
            self._tables[name] = found
        return found

    def _step_back(self) -> None:
        """Let services go first; threads that Arrow starts from here inherit it."""
        if not getattr(self._thread, "behind", False):
            self._thread.behind = True
            nice = self._settings.maintainer_nice
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + nice)


def asked(task: Task) -> Asked:
    """What an operator says in a task; nothing in one that comes of itself.

    Raises:
        Refused: orphans are to go that were younger than the command itself. Such a command would
            come to mean other files the later it is carried out.
    """
    request = task.request
    if request is None:
        return Asked()
    arguments = request.arguments
    older_than = arguments.older_than
    if older_than is not None and older_than > request.issued_at:
        raise Refused(
            f"files older than {older_than.isoformat()} were asked for at "
            f"{request.issued_at.isoformat()}, when that was in the future",
            "name a moment in the past",
        )
    return Asked(
        force=True,
        retention_days=arguments.retention_days,
        retain_last=arguments.retain_last,
        older_than_ms=None if older_than is None else int(older_than.timestamp() * 1000),
        allow_young=arguments.allow_young,
    )
