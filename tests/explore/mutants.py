"""Faults planted into the code that is explored: each of them has to be found.

A fault replaces a real function, for the time of a ``with`` block; no code knows that it can be
wrong. What is planted is what one would write who does not know the trap.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from pyiceberg.exceptions import CommitFailedException

from services.stream_writer import buffer, landing, settling, table_partitions, table_writer
from shared.lake import commit as committing
from shared.lake import coverage, log_identity, thinning
from shared.lake.announcements import table_committed
from shared.lake.commit import Decide, Head, Outcome
from shared.lake.decisions import Decision
from shared.lake.log_identity import Continue, Found, LogBounds
from shared.lake.position import Tail
from shared.lake.positions import Positions
from shared.lake.recorded import Recorded, recorded
from shared.lake.table_state import MAIN, TableState
from shared.lake.thinning import ThinningPlan, plan
from tests.explore.consumer import Consumer
from tests.explore.memory_table import MemoryTable, MemoryTarget, Request
from tests.explore.planting import Replacement, named, plant
from tests.explore.worker import Worker


def library_retry() -> list[Replacement]:
    """On a conflict the library sends the old summary again, on the new head."""
    send = MemoryTarget.send

    def again(self: MemoryTarget, staged: Request) -> TableState:
        try:
            return send(self, staged)
        except CommitFailedException:
            if staged.accepted:
                raise
            head = self.table.state
            renewed = self.table.request(head, staged.files, {}, 0, None, ThinningPlan())
            renewed.entry.summary.update(staged.entry.summary)
            return send(self, renewed)

    return [(MemoryTarget, "send", again)]


def map_of_the_first_head() -> list[Replacement]:
    """The positions are read once, before the attempts begin."""
    real = committing.commit

    def commit(target: Any, decide: Decide, **options: Any) -> Outcome:
        first: list[Recorded] = []

        def stale(head: Head, may_reuse_files: bool) -> Decision | None:
            first.append(head.recorded)
            return decide(Head(head.state, first[0]), may_reuse_files)

        return real(target, stale, **options)

    return [(table_writer, "commit", commit)]


def reset_to_earliest() -> list[Replacement]:
    """A position that the log does not know is no reason to stop: begin at the log's start."""

    def judge(at: int | None, tail: Tail | None, bounds: LogBounds, found: Found | None) -> object:
        verdict = log_identity.judge(at, tail, bounds, found)
        return verdict if isinstance(verdict, Continue) else Continue(bounds.start, first=True)

    return [(settling, "judge", judge)]


def announced_before_committed() -> list[Replacement]:
    """The event is sent first, so that it cannot be forgotten."""
    send = MemoryTarget.send

    def announce(self: MemoryTarget, staged: Request) -> TableState:
        worker: Any = getattr(self.point, "__self__", None)
        if isinstance(worker, Worker) and worker.outbox.owner:
            event = table_committed(self.name, self.table.state, staged.entry)
            worker.world.audit.announced(event)
        return send(self, staged)

    return [(MemoryTarget, "send", announce)]


def start_of_the_first_record() -> list[Replacement]:
    """A batch begins where its first record stands, not where the fetch began."""

    def span(self: buffer.Work, key: tuple[str, int]) -> tuple[int, int]:
        records = self.records(key)
        batches = self.batches[key]
        return (records[0].offset if records else batches[0].start), batches[-1].end

    return [(buffer.Work, "span", span)]


def unknown_taken_for_success() -> list[Replacement]:
    """No answer is no bad answer: the commit is taken to have happened."""
    send = MemoryTarget.send

    def hopeful(self: MemoryTarget, staged: Request) -> TableState:
        state = self.state()
        try:
            return send(self, staged)
        except ConnectionError:
            self.known = msgspec.structs.replace(
                state,
                current_snapshot_id=staged.snapshot_id,
                snapshots=(*state.snapshots, staged.entry),
            )
            return self.known

    return [(MemoryTarget, "send", hopeful)]


def files_used_again() -> list[Replacement]:
    """Files of an attempt with unknown outcome are named by the next one."""
    real = committing.commit

    def commit(target: Any, decide: Decide, **options: Any) -> Outcome:
        return real(target, lambda head, _: decide(head, True), **options)

    return [(table_writer, "commit", commit)]


def tail_not_compared() -> list[Replacement]:
    """A log that is long enough is taken to be the same one."""

    def judge(at: int | None, tail: Tail | None, bounds: LogBounds, found: Found | None) -> object:
        return log_identity.judge(at, tail, bounds, None)

    return [(settling, "judge", judge)]


def thinned_before_announced() -> list[Replacement]:
    """Thinning does not ask what is announced."""

    def forgetful(*args: Any, **options: Any) -> ThinningPlan:
        return plan(*args, **{**options, "announced": None})

    return [(committing, "plan", forgetful)]


def own_commit_not_looked_for() -> list[Replacement]:
    """After an unknown outcome the commit is simply made again."""
    return [(committing, "find_commit", lambda state, commit_id, ref: None)]


def generation_not_checked() -> list[Replacement]:
    """Batches that were fetched before a rebalance are taken after it."""
    real = table_partitions.TablePartitions.take

    def take(self: table_partitions.TablePartitions, batch: Any) -> None:
        object.__setattr__(batch, "generation", self.generation)
        real(self, batch)

    return [(table_partitions.TablePartitions, "take", take)]


def head_not_asserted() -> list[Replacement]:
    """The catalog is not asked to check that the head is the one that was decided on."""
    accept = MemoryTable.accept

    def always(self: MemoryTable, request: Request) -> TableState:
        request.parent_snapshot_id = self.state.current_snapshot_id
        return accept(self, request)

    return [(MemoryTable, "accept", always)]


def behind_committed() -> list[Replacement]:
    """A table that stands before a batch, after a rollback, is moved to it without a word."""

    def decide(positions: Positions, fetched: coverage.Range) -> object:
        verdict = coverage.decide(positions, fetched)
        return coverage.Fresh(fetched.start) if isinstance(verdict, coverage.Behind) else verdict

    def advance(self: Positions, topic: str, partition: int, **moved: Any) -> Positions:
        at = self.next_offset(topic, partition)
        if at is not None and moved["start"] > at:
            moved["start"] = at
        return real(self, topic, partition, **moved)

    real = Positions.advance
    return [(landing, "decide", decide), (Positions, "advance", advance)]


def statements_not_counted() -> list[Replacement]:
    """What was read before an operator's statement is landed after it."""

    def cuts(
        work: Any, positions: Positions, first_seen: Mapping[Any, int], adoptions: object
    ) -> dict[tuple[str, int], int]:
        return real(work, positions, first_seen, {})

    real = landing.cuts
    return [(landing, "cuts", cuts)]


def foreign_head_means_nothing_consumed() -> list[Replacement]:
    """Only the head itself is asked where the table stands."""

    def head_only(state: TableState, ref: str = MAIN) -> Recorded:
        found = recorded(state, ref)
        return Recorded(Positions(), None, 0) if found.foreign else found

    return [(committing, "recorded", head_only), (table_writer, "recorded", head_only)]


def foreign_left_alone_by_thinning() -> list[Replacement]:
    """Thinning removes what a foreign snapshot stands on, so that nobody may roll back to it."""
    return [(thinning, "below_foreign", lambda state, kept: set())]


def overlap_taken_for_the_same_log() -> list[Replacement]:
    """Offsets that overlap are trimmed, whatever records stand there."""
    return [(landing, "_of_another_log", lambda work, key, positions: False)]


def group_offsets_trusted() -> list[Replacement]:
    """Reading begins at the offsets that the group remembers."""
    flow = Consumer.flow

    async def from_the_group(self: Consumer, key: tuple[str, int], offset: int) -> bool:
        return await flow(self, key, self._process.world.stored.get(key, offset))

    def take(self: buffer.TableBuffer, batch: Any, now: float) -> buffer.Verdict:
        if batch.key not in self._work.batches and batch.key in self._expected:
            self._expected[batch.key] = batch.start
        return add(self, batch, now)

    add = buffer.TableBuffer.add
    return [(Consumer, "flow", from_the_group), (buffer.TableBuffer, "add", take)]


MUTANTS = named(
    library_retry,
    map_of_the_first_head,
    reset_to_earliest,
    announced_before_committed,
    start_of_the_first_record,
    unknown_taken_for_success,
    files_used_again,
    tail_not_compared,
    thinned_before_announced,
    own_commit_not_looked_for,
    generation_not_checked,
    head_not_asserted,
    behind_committed,
    statements_not_counted,
    foreign_head_means_nothing_consumed,
    group_offsets_trusted,
    foreign_left_alone_by_thinning,
    overlap_taken_for_the_same_log,
)


def planted(name: str) -> AbstractContextManager[None]:
    """The code with one fault in it."""
    return plant(MUTANTS[name]())
