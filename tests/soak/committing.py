"""One change of a table until it is known to have landed, by the functions that services use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyiceberg.manifest import DataFile

from shared.contracts.identity import uuid7
from shared.lake.announcements import KEY_ROWS
from shared.lake.commit import Append, Delta, Head, Outcome, Stale, Thinning, commit
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.provenance import Provenance, SourceCut, traced
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.row_changes import delta
from shared.lake.table_state import SnapshotEntry, TableState
from shared.runtime.errors import Unavailable
from tests.soak.ledger import Entry, Ledger
from tests.soak.rows import DAY, KEYED, LANDING, LANDING_TOPIC, Identity

WRITER = "soak"
PLANS = 50
"""How often a change is planned before it counts as failed."""
TARGET_BYTES = 128 * 2**20
SOURCE, SOURCE_PARTITION = "staging.stg_shopify_orders", ("shopify.orders", 0)
KEY_PLAN = "soak.plan"
"""Of several plans of one change, the one that landed is known by it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Rows that come, and those that go with the places where they stand.

    Attributes:
        added, removed: identities.
        positions: data file → row numbers of the removed ones.
        read: records of the source by which it moves on.
    """

    added: Sequence[Identity]
    removed: Sequence[Identity] = ()
    positions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    read: int = 0


Planner = Callable[[TableHandle, SnapshotEntry | None, int], Change | None]
"""(table, head, records of the source that it holds) → what to change; nothing ends it."""


class Landings:
    """Appends to the landing table: offsets one after the other."""

    def __init__(self, handle: TableHandle, ledger: Ledger) -> None:
        self.handle, self._ledger = handle, ledger

    def append(self, count: int, thinning: Thinning | None) -> Outcome:
        """The next rows, in one commit."""
        began, commit_id = time.time(), uuid7()
        files: list[DataFile] = []
        ids: list[Identity] = []

        def decide(head: Head, may_reuse_files: bool) -> Append:
            positions = head.recorded.positions
            if positions is None:
                raise LookupError("the head does not say where the table stands")
            start = positions.next_offset(LANDING_TOPIC, 0) or 0
            wanted = [(start + number, 0) for number in range(count)]
            if wanted != ids or not may_reuse_files:
                ids[:] = wanted
                files[:] = [write_data_file(self.handle.table, LANDING.rows(ids), DAY)]
            moved = positions.advance(
                LANDING_TOPIC, 0, start=start, end=start + count, rows=count, errors=0, tail=None
            )
            return Append(list(files), moved, {KEY_ROWS: str(count)})

        while True:
            try:
                outcome = commit(
                    self.handle, decide, commit_id=commit_id, writer=WRITER, thinning=thinning
                )
                break
            except Unavailable as error:  # it may have landed: the same id finds it
                self._ledger.failed(LANDING.name, began, error)
        assert outcome.snapshot is not None
        self._ledger.note(
            Entry(
                self._ledger.stream,
                LANDING.name,
                began,
                time.time(),
                outcome.snapshot.sequence_number,
                added=tuple(ids),
                conflicts=outcome.conflicts,
                unknowns=outcome.unknowns,
            )
        )
        return outcome


class Keyed:
    """Changes of the keyed table, as builds commit them: planned on a head, checked on another."""

    def __init__(self, handle: TableHandle, ledger: Ledger) -> None:
        self.handle, self._ledger = handle, ledger

    def change(self, plan: Planner, thinning: Thinning | None) -> Outcome | None:
        """Plan a change and commit it, again and again until it has landed.

        Raises:
            Stale: others were quicker :data:`PLANS` times.
        """
        began, commit_id = time.time(), uuid7()
        planned: dict[str, tuple[Change, tuple[DataFile, ...]]] = {}
        for number in range(1, PLANS + 1):
            state = self.handle.reload()
            head, started = state.current_snapshot(), traced(state).provenance
            change = plan(self.handle, head, _complete(started))
            if change is None:
                return None
            key = f"{commit_id}/{number}"
            made = self._delta(head, change, _next(started, state, change.read), key)
            planned[key] = change, (*made.added, *made.deletes)
            try:
                outcome = self._sent(made, started, commit_id, thinning)
            except Stale:
                continue
            except Unavailable as error:  # it may have landed: the same id finds it
                self._ledger.failed(KEYED.name, began, error)
                continue
            self._landed(outcome, planned, began)
            return outcome
        given_up = Stale(f"others were quicker {PLANS} times")
        self._ledger.failed(KEYED.name, began, given_up)
        raise given_up

    def _delta(
        self, head: SnapshotEntry | None, change: Change, carried: Provenance, key: str
    ) -> Delta:
        return delta(
            self.handle.table,
            KEYED.spec,
            LiveFiles({}, {}) if head is None else live_files(self.handle.table, head),
            change.positions,
            KEYED.rows(change.added),
            planned=head,
            carried=carried,
            target_bytes=TARGET_BYTES,
            summary={KEY_PLAN: key},
        )

    def _sent(
        self, made: Delta, started: Provenance | None, commit_id: str, thinning: Thinning | None
    ) -> Outcome:
        def decide(head: Head, may_reuse_files: bool) -> Delta:
            if head.traced.provenance != started:
                raise Stale("it was built by somebody else meanwhile")
            if not may_reuse_files:
                raise Stale("files of an attempt of unknown outcome are not named again")
            return made

        return commit(self.handle, decide, commit_id=commit_id, writer=WRITER, thinning=thinning)

    def _landed(
        self,
        outcome: Outcome,
        planned: Mapping[str, tuple[Change, tuple[DataFile, ...]]],
        began: float,
    ) -> None:
        assert outcome.snapshot is not None
        key = outcome.snapshot.summary[KEY_PLAN]
        change, _ = planned[key]
        others = (files for name, (_, files) in planned.items() if name != key)
        left = [file.file_path for files in others for file in files]
        self._ledger.note(
            Entry(
                self._ledger.stream,
                KEYED.name,
                began,
                time.time(),
                outcome.snapshot.sequence_number,
                added=change.added,
                removed=change.removed,
                conflicts=outcome.conflicts,
                unknowns=outcome.unknowns,
                plans=len(planned),
                given_up=left,
            )
        )


def _complete(built: Provenance | None) -> int:
    return 0 if built is None else built.complete[SOURCE_PARTITION]


def _next(built: Provenance | None, state: TableState, read: int) -> Provenance:
    """What the next build is built from: another version of its source."""
    number = 1 if built is None else built.sources[SOURCE].sequence_number + 1
    cut = SourceCut(state.table_uuid, number, number)
    return Provenance({SOURCE: cut}, "soak", None, {SOURCE_PARTITION: _complete(built) + read})
