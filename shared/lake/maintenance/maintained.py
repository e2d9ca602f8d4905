"""A table and what can be done to it: looks and jobs behind one door.

maintainer and the command line come in here, so that a dry run decides as the job does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from shared.lake.handle import TableHandle
from shared.lake.maintenance.asked import BY_POLICY, Asked, Kept, Order
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.counted_deletion import CountedDeletion
from shared.lake.maintenance.job_result import JobResult, figures
from shared.lake.maintenance.jobs import JOBS, Subject
from shared.lake.maintenance.looking import Looked, look
from shared.lake.maintenance.thresholds import MaintenancePolicy
from shared.lake.maintenance.unreferenced import Unreferenced
from shared.lake.provenance import traced
from shared.lake.reader import LakeReader, reachable
from shared.lake.table_state import TableState
from shared.runtime.errors import CheckFailed, NotFound, Unavailable
from shared.tables.lineage import readers
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec


class Maintained:
    """One table and what can be done to it. For one thread at a time.

    Args:
        reader: its connection is this table's alone.
        spec: the table.
        policy: of tables whose properties say nothing else.
        writer: name of the service, written into snapshots.
    """

    def __init__(
        self, reader: LakeReader, spec: TableSpec, policy: MaintenancePolicy, writer: str
    ) -> None:
        self._reader = reader
        self._spec = spec
        self._policy = policy
        self._writer = writer
        self._found: TableHandle | None = None
        self._unreferenced = Unreferenced()

    @property
    def _handle(self) -> TableHandle:
        if self._found is None:
            self._found = self._reader.handle(self._spec.name)
        return self._found

    def look(self, kept: Callable[[TableState], Kept] = lambda _: Kept()) -> Looked:
        """The table as it is now, and what is due; ``kept`` as of :meth:`run`.

        Raises:
            Unavailable: catalog or store do not answer.
            CheckFailed: a file that the table names is not in the store.
            NotFound: the catalog has no such table.
            Refused, ConfigurationError: it has files or properties that cannot be read here.
        """
        with self._readable():
            return look(
                self._handle,
                self._spec,
                self._policy,
                self._unreferenced,
                partial(self._kept, kept),
            )

    def run(
        self,
        job: str,
        asked: Asked = BY_POLICY,
        kept: Callable[[TableState], Kept] = lambda _: Kept(),
        *,
        dry_run: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> JobResult:
        """Run a job, one of :data:`shared.lake.maintenance.jobs.JOBS`.

        Args:
            job: which.
            asked: what an operator says.
            kept: what expiry must leave of a table, besides what :meth:`recorded` tells.
            dry_run: change nothing, tell what would be done.
            stop: asked again and again; once true, a compaction gives up the group that it
                is at, and its result is ``interrupted``.

        Raises:
            Unavailable: catalog or store do not answer.
            CheckFailed: a file that the table names is not in the store.
            Undeleted: files were to be deleted, and none could be; what it committed stays.
            NotFound: the catalog has no such table.
            Refused, ConfigurationError: it cannot be done to this table.
        """
        order = Order(asked, partial(self._kept, kept), dry_run, stop)
        with self._readable():
            before = self._handle.reload()
            files = CountedDeletion(self._handle)
            subject = Subject(
                self._handle, self._spec, self._policy, self._writer, self._unreferenced, files
            )
            result = files.of(partial(JOBS[job], subject, order, before, int(time.time() * 1000)))
            if dry_run or result.status is not Status.SUCCESS:
                return replace(result, before=figures(before, result.before))
            after = self._handle.reload()
        moved = after.head_id() != before.head_id()
        return replace(
            result,
            before=figures(before, result.before),
            after=figures(after, result.after),
            snapshot_id=after.head_id() if moved else None,
        )

    def recorded(self) -> frozenset[int]:
        """Snapshots that the heads of derived tables, and of branches they are rebuilt on, say
        they were built from."""
        found: set[int] = set()
        for name in readers(self._spec.name, TABLES):
            try:
                state = self._reader.handle(name).reload()
            except NotFound:
                continue
            for ref, entry in state.refs.items():
                if entry.type == "branch":
                    built = traced(state, ref).provenance
                    if built is not None and self._spec.name in built.sources:
                        found.add(built.sources[self._spec.name].snapshot_id)
        return frozenset(found)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            with reachable(self._reader.settings):
                try:
                    yield
                except FileNotFoundError as error:
                    name = self._spec.name
                    raise CheckFailed(
                        f"{name} names a file that is not in the store: {error}",
                        f"`bergline verify {name}` tells which are missing",
                    ) from error
        except Unavailable:
            if self._found is not None:
                self._found.renew()  # credentials that came with the table expire
            raise

    def _kept(self, kept: Callable[[TableState], Kept], state: TableState) -> Kept:
        found = kept(state)
        return replace(found, pinned=frozenset(found.pinned) | self.recorded())
