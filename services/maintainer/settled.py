"""Which tables have many files and rightly so: a look found nothing in them to be compacted.

Nobody else can tell a table of 150 days, each of one file, from one with 150 files of a day. So it
is told, as what became of a compaction that had nothing to do, and who counts files (alerter)
counts from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.event import Event
from shared.contracts.identity import uuid7
from shared.contracts.maintenance import Figures, JobName, MaintenanceSucceeded
from shared.lake.maintenance.looking import Looked

MANY = 50
"""Tables with fewer files are not told of; nor is one whose files are this few more or fewer."""
REPEATED_S = 43_200.0
"""So often it is told again: who begins reads two days back."""


@dataclass(frozen=True, slots=True)
class _Told:
    files: int
    at: float


class Settled:
    """What one worker has told of its tables.

    Args:
        worker: its name in events.
        clock: monotonic seconds.
    """

    def __init__(self, worker: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._worker = worker
        self._clock = clock
        self._told: dict[str, _Told] = {}

    def keep(self, tables: Collection[str]) -> None:
        """Forget all other tables: others tell of them."""
        self._told = {name: each for name, each in self._told.items() if name in tables}

    def told(self, event: Event) -> None:
        """This is told: a compaction says by itself how many files it left."""
        if not isinstance(event, MaintenanceSucceeded) or event.job != "compact":
            return
        if event.after.data_files is not None:
            self._told[event.table] = _Told(event.after.data_files, self._clock())

    def looked(
        self, table: str, found: Looked, due: Collection[JobName]
    ) -> MaintenanceSucceeded | None:
        """What is to be told of a look, if anything.

        Of a table with files that cannot be read here nothing is known: its partitions are left as
        they are, however many files they have.
        """
        shape = found.shape
        if "compact" in due or any(each.refusal is not None for each in shape.partitions):
            return None
        files, last = shape.files, self._told.get(table)
        if files < MANY or (last is not None and self._known(last, files)):
            return None
        figures = Figures(
            data_files=files, live_bytes=shape.bytes, snapshots=len(found.state.snapshots)
        )
        return MaintenanceSucceeded(
            job_id=uuid7(),
            job="compact",
            table=table,
            status="skipped",
            reason=f"none of {files} files in {len(shape.partitions)} partitions has to be written "
            "anew",
            cause="policy",
            worker=self._worker,
            before=figures,
            after=figures,
            seconds=0.0,
            succeeded_at=datetime.now(UTC),
        )

    def _known(self, last: _Told, files: int) -> bool:
        return abs(files - last.files) < MANY and self._clock() - last.at < REPEATED_S
