"""A catalog with one table, in memory: it keeps what it accepts, and answers as over a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, cast

import msgspec
from pyiceberg.exceptions import BadRequestError, CommitFailedException, CommitStateUnknownException

from shared.lake.decisions import Change
from shared.lake.positions import Positions
from shared.lake.table_state import RefEntry, SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan
from tests.explore.topic_log import LogRecord

Rows = Mapping[tuple[str, int], Sequence[LogRecord]]
"""Records per partition."""


@dataclass(frozen=True, eq=False, slots=True)
class File:
    """A data file: the records of its rows."""

    rows: Rows


@dataclass(eq=False, slots=True)
class Request:
    """One staged commit, and what became of it."""

    snapshot_id: int
    parent_snapshot_id: int | None
    entry: SnapshotEntry
    files: Sequence[File]
    mirror: dict[str, str]
    history: ThinningPlan
    unknown: bool = False
    """Its sender cannot know whether it happened."""
    accepted: bool = False
    discarded: bool = False

    @property
    def asserted_id(self) -> int | None:
        """The head that it asserts."""
        return self.parent_snapshot_id


class Watcher(Protocol):
    """Who is told of all that happens to the table."""

    def check(self, holds: bool, text: str) -> None:
        """Note ``text`` unless it holds."""

    def accepted(self, before: TableState, request: Request, after: TableState) -> None:
        """A commit was carried out."""

    def moved(self, head: int | None) -> None:
        """The head is another one."""


LATE = {"late, before the reload": "load", "late, after the reload": "send"}
"""Late successes amid their own commit, and the step of the sender that they come before."""


class MemoryTable:
    """The truth about the table: its present state, and every state that it was in."""

    def __init__(self, watcher: Watcher) -> None:
        self.state = TableState(table_uuid="table-1", location="memory")
        self.history = [self.state]
        self.held: list[Request] = []
        """Requests that are still on their way."""
        self.named: dict[File, Request] = {}
        self.ids = count(1)
        self._watcher = watcher
        self.check = watcher.check

    def accept(self, request: Request) -> TableState:
        """Carry out a commit as an atomic update.

        Raises:
            CommitFailedException: the head is not the asserted one.
            BadRequestError: as catalogs answer to a sequence number that is not new
                (Iceberg spec, "Sequence Numbers").
        """
        before = self.state
        if before.current_snapshot_id != request.parent_snapshot_id:
            raise CommitFailedException("main is at another snapshot")
        if request.entry.sequence_number <= before.last_sequence_number:
            raise BadRequestError("sequence number is not new")
        gone = set(request.history.remove)
        refs = {name: r for name, r in before.refs.items() if name not in request.history.untag}
        for name, snapshot_id in request.history.tag:
            refs[name] = RefEntry(snapshot_id=snapshot_id, type="tag")
        after = msgspec.structs.replace(
            before,
            last_sequence_number=request.entry.sequence_number,
            current_snapshot_id=request.snapshot_id,
            snapshots=(*(s for s in before.snapshots if s.snapshot_id not in gone), request.entry),
            refs=refs,
            properties={**before.properties, **request.mirror},
        )
        request.accepted = True
        self.put(after)
        self._watcher.accepted(before, request, after)
        return after

    def put(self, state: TableState) -> None:
        """The table is in this state from now on."""
        self.state = state
        self.history.append(state)
        self._watcher.moved(state.current_snapshot_id)

    def request(
        self,
        state: TableState,
        files: Sequence[File],
        summary: Mapping[str, str],
        clock_ms: int,
        mirror: Positions | None,
        history: ThinningPlan,
    ) -> Request:
        """A commit on the head of ``state``."""
        head, snapshot_id = state.current_snapshot(), next(self.ids)
        rows = sum(len(records) for file in files for records in file.rows.values())
        total = int(head.summary["total-records"]) if head else 0
        entry = SnapshotEntry(
            snapshot_id=snapshot_id,
            parent_snapshot_id=None if head is None else head.snapshot_id,
            sequence_number=state.last_sequence_number + 1,
            timestamp_ms=clock_ms,
            summary={
                "operation": "append",
                "added-records": str(rows),
                "total-records": str(total + rows),
                **summary,
            },
        )
        named = {} if mirror is None else mirror.to_mirror(snapshot_id)
        parent = entry.parent_snapshot_id
        return Request(snapshot_id, parent, entry, tuple(files), named, history)


@dataclass(slots=True)
class MemoryTarget:
    """A :class:`shared.lake.commit_target.CommitTarget`: one connection to the table.

    Before each step over the network ``point`` is called with its name; what it returns is the
    fault that befalls the step.
    """

    table: MemoryTable
    clock: Callable[[], float]
    point: Callable[[str], str | None]
    name: str = "raw.events"
    known: TableState | None = field(default=None)
    arriving: dict[str, Request] = field(default_factory=dict)
    """Requests that arrive when their sender comes to its next step of that name."""

    @property
    def remembered(self) -> bool:
        return self.known is not None

    def state(self) -> TableState:
        return self.reload() if self.known is None else self.known

    def reload(self) -> TableState:
        self._arrive("load")
        if self.point("load"):
            raise ConnectionError("injected: the catalog does not answer")
        self.known = self.table.state
        return self.known

    def forget(self) -> None:
        self.known = None

    def stage_change(self, state: TableState, change: Change, history: ThinningPlan) -> Request:
        if self.point("stage"):
            raise ConnectionError("injected: the object store does not answer")
        now, files = int(self.clock() * 1000), cast("Sequence[Any]", change.delta.added)
        assert change.carried is None or isinstance(change.carried, Positions)
        return self.table.request(state, files, change.summary, now, change.carried, history)

    def send(self, staged: Request) -> TableState:
        check = self.table.check
        check(not staged.discarded, "a commit is sent whose manifests are deleted")
        self._arrive("send")
        fault = self.point("send")
        if fault == "conflict":
            raise CommitFailedException("injected: requirement failed")
        for file in staged.files:
            first = self.table.named.setdefault(file, staged)
            again = first is not staged and first.unknown
            check(not again, "a file of an attempt with unknown outcome is used again")
        if fault == "late":
            self.table.held.append(staged)
        if fault in LATE:
            self.arriving[LATE[fault]] = staged
        if fault in ("lost request", "late", *LATE):
            staged.unknown = True
            raise ConnectionError("injected: no answer")
        if fault == "error":
            staged.unknown = True
            raise CommitStateUnknownException("injected: 500")
        after = self.table.accept(staged)
        answer = self.point("answer")
        if fault == "lost response" or answer:
            staged.unknown = True
            raise ConnectionError("injected: no answer")
        if fault == "repeated":  # a proxy sent it twice: the second one finds the head moved
            raise CommitFailedException("injected: requirement failed")
        self.known = after
        return after

    def discard(self, staged: Request) -> None:
        check = self.table.check
        check(not staged.accepted, "the manifests of a snapshot that happened are deleted")
        under_way = staged in self.table.held or staged in self.arriving.values()
        check(not under_way, "the manifests of a commit under way are deleted")
        staged.discarded = True

    def _arrive(self, step: str) -> None:
        request = self.arriving.pop(step, None)
        if request is not None:
            with suppress(CommitFailedException, BadRequestError):  # nobody waits for the answer
                self.table.accept(request)
