"""Write many files anew as few, while others write: the rows stay the same.

One commit for each group of files, so what is done is done when a later group fails. A group is of
one partition and one partition spec. Rows that others delete from its files meanwhile are deleted
from the new files in the very snapshot that brings them; see :func:`compact`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.contracts.identity import uuid7
from shared.lake.commit import Outcome, Stale, Thinning, commit
from shared.lake.handle import TableHandle
from shared.lake.maintenance.grouping import Choice, Group, choose
from shared.lake.maintenance.overtaking import Replacement
from shared.lake.maintenance.policy import MaintenancePolicy, with_properties
from shared.lake.maintenance.rewriting import rewrite
from shared.lake.maintenance.row_groups import Held
from shared.lake.maintenance.shape import partitions_of
from shared.lake.reading.live_files import live_files
from shared.tables.spec import TableSpec


class Status(StrEnum):
    """How a run ended that did not fail."""

    SUCCESS = "success"
    SKIPPED = "skipped"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class CompactionStep:
    """How far a compaction is: told after each batch of rows and after each group.

    Attributes:
        partition: of the present group.
        group, groups: number of the present group, from 1, and how many there are.
        bytes_done, bytes_all: of the input files of all groups.
        outcome: the commit of the group, once it is committed: to announce it, and to sweep up
            after its thinning.
    """

    partition: str
    group: int
    groups: int
    bytes_done: int
    bytes_all: int
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What a compaction did.

    Attributes:
        status: success when at least one group was committed, skipped when nothing was due or all
            groups were overtaken.
        reason: why it was skipped, or what was given up.
        groups: groups that were committed; of a dry run, that would be.
        files_before, files_after: data files that went and came.
        bytes_before, bytes_after: of these.
        rows: that live in the new files.
        deletes_dropped: delete files that went.
        deletes_left: delete files that stay though some of what they say is of files that went.
        deletes_translated: positions that others deleted meanwhile, deleted in the new files.
        attempts_wasted, bytes_wasted: groups that were written in vain, and the bytes written.
        held_bytes: most bytes of rows that were held at once.
        seconds: how long it took.
        outcomes: the commits.
        dropped: paths of data and delete files that the head does not name any more. They stay in
            the store: retained snapshots name them.
    """

    status: Status
    reason: str = ""
    groups: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    deletes_dropped: int = 0
    deletes_left: int = 0
    deletes_translated: int = 0
    attempts_wasted: int = 0
    bytes_wasted: int = 0
    held_bytes: int = 0
    seconds: float = 0.0
    dropped: frozenset[str] = frozenset()
    outcomes: tuple[Outcome, ...] = ()


def compact(
    handle: TableHandle,
    spec: TableSpec,
    policy: MaintenancePolicy,
    *,
    writer: str,
    now_ms: int,
    thinning: Thinning | None = None,
    dry_run: bool = False,
    force: bool = False,
    progress: Callable[[CompactionStep], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> CompactionReport:
    """Compact what is due in a table.

    Args:
        handle: the table.
        spec: its declaration.
        policy: when and how; the table's properties win.
        writer: name of the service, written into the snapshots.
        now_ms: milliseconds since the epoch, for how long partitions have been quiet.
        thinning: removal of old snapshots with each commit.
        dry_run: write nothing, tell what would be done.
        force: every partition that has small files or deletes, whether it is due or not.
        progress: told how far it is.
        stop: asked between batches of rows; once true, the present group is given up.

    Raises:
        Unavailable: catalog or object store do not answer; groups committed before stay.
        Refused: the table has files that cannot be read here.
        NotFound: the table does not exist.
        ConfigurationError: a property of the table cannot be read.
        CheckFailed: a file does not hold the rows that its manifest tells of.
        OSError: the object store does not answer, or lacks a file.
    """
    started = time.monotonic()
    table = handle.load()
    policy = with_properties(policy, table.metadata.properties)
    state = handle.state()
    head = state.current_snapshot()
    shapes = () if head is None else partitions_of(table, spec, state, live_files(table, head))
    chosen = [(each.words, choose(each, policy, now_ms, force=force)) for each in shapes]
    groups = [(words, group) for words, choice in chosen for group in choice.groups]
    if dry_run or not groups:
        return replace(
            _foreseen(groups, Status.DRY_RUN if dry_run else Status.SKIPPED),
            reason=_reason(chosen),
            seconds=time.monotonic() - started,
        )
    run = _Run(handle, spec, policy, writer, thinning, progress, stop)
    for number, (words, group) in enumerate(groups, 1):
        if stop is not None and stop():
            run.given_up.append("stopped")
            break
        run.group(words, group, number, groups)
    return replace(run.report(), seconds=time.monotonic() - started)


class _Stopped(Exception):
    """Somebody wants it to end."""


class _Run:
    """The groups of one compaction, one after the other, and what became of them."""

    def __init__(
        self,
        handle: TableHandle,
        spec: TableSpec,
        policy: MaintenancePolicy,
        writer: str,
        thinning: Thinning | None,
        progress: Callable[[CompactionStep], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        self._handle, self._spec, self._policy, self._writer = handle, spec, policy, writer
        self._thinning, self._progress, self._stop = thinning, progress, stop
        self._held = Held()
        self._done = CompactionReport(Status.SKIPPED)
        self._bytes_read = 0
        self.given_up: list[str] = []

    def report(self) -> CompactionReport:
        """What was done so far."""
        words = [*self.given_up]
        if left := self._done.deletes_left:
            words.append(f"{left} delete files stay, with a few positions of files that are gone")
        return replace(self._done, reason="; ".join(words), held_bytes=self._held.most)

    def group(self, words: str, group: Group, number: int, groups: list[tuple[str, Group]]) -> None:
        """Rewrite and commit a group, or give it up; raises as :func:`compact`."""
        bytes_all = sum(file.size for _, each in groups for file in each.files)
        before = self._bytes_read

        def tell(outcome: Outcome | None = None) -> None:
            if self._progress is not None:
                done = self._bytes_read
                self._progress(CompactionStep(words, number, len(groups), done, bytes_all, outcome))

        def read(size: int) -> None:
            self._bytes_read += size
            tell()
            if self._stop is not None and self._stop():
                raise _Stopped

        head = self._handle.reload().current_snapshot()
        table = self._handle.table
        inputs = [file.path for file in group.files]
        live = None if head is None else live_files(table, head)
        if head is None or live is None or not live.data.keys() >= set(inputs):
            self.given_up.append(f"{words or 'a group'}: its files are not live any more")
            self._bytes_read = before + sum(file.size for file in group.files)
            return
        try:
            rewritten = rewrite(
                table,
                self._spec,
                live,
                inputs,
                target_bytes=self._policy.target_bytes,
                memory_bytes=self._policy.memory_bytes,
                held=self._held,
                read=read,
            )
        except _Stopped:
            self._wasted(words, "stopped", 0)
            return
        replacement = Replacement(table, rewritten, head)
        self._handle.forget()  # writing took longer than heads last
        try:
            outcome = commit(
                self._handle,
                replacement.decide,
                commit_id=uuid7(),
                writer=self._writer,
                thinning=self._thinning,
            )
        except Stale as error:
            self._wasted(words, str(error), replacement.bytes)
            return
        done = self._done
        self._done = replace(
            done,
            status=Status.SUCCESS,
            groups=done.groups + 1,
            files_before=done.files_before + len(inputs),
            files_after=done.files_after + len(rewritten.files),
            bytes_before=done.bytes_before + sum(file.size for file in group.files),
            bytes_after=done.bytes_after + rewritten.size,
            rows=done.rows + rewritten.rows - replacement.translated,
            deletes_dropped=done.deletes_dropped + len(replacement.dropped) - len(inputs),
            deletes_left=done.deletes_left + len(replacement.left),
            deletes_translated=done.deletes_translated + replacement.translated,
            dropped=done.dropped | replacement.dropped,
            outcomes=(*done.outcomes, outcome),
        )
        tell(outcome)

    def _wasted(self, words: str, reason: str, size: int) -> None:
        self.given_up.append(f"{words or 'a group'}: {reason}")
        self._done = replace(
            self._done,
            attempts_wasted=self._done.attempts_wasted + 1,
            bytes_wasted=self._done.bytes_wasted + size,
        )


def _foreseen(groups: list[tuple[str, Group]], status: Status) -> CompactionReport:
    files = [file for _, group in groups for file in group.files]
    return CompactionReport(
        status,
        groups=len(groups),
        files_before=len(files),
        files_after=sum(group.after for _, group in groups),
        bytes_before=sum(file.size for file in files),
        rows=sum(file.rows - file.deleted for file in files),
    )


def _reason(chosen: list[tuple[str, Choice]]) -> str:
    if not chosen:
        return "the table has no files"
    due = [f"{words or 'the table'}: {each.reason}" for words, each in chosen if each.groups]
    return "; ".join(due) or f"nothing is due in {len(chosen)} partitions"
