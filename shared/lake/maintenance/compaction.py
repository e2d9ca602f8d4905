"""Write many files anew as few, while others write: the rows stay the same.

One commit for each group of files, so what is done is done; a group that fails does not stop the
others. A group is of one partition and one partition spec. Rows that others delete from its files
meanwhile are deleted from the new files in the very snapshot that brings them; see :func:`compact`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.contracts.identity import uuid7
from shared.lake.commit import Outcome, Stale, Thinning, commit
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction_report import CompactionReport, CompactionStep, Status
from shared.lake.maintenance.due_groups import due_groups
from shared.lake.maintenance.failed_groups import UNREADABLE, FailedGroups
from shared.lake.maintenance.foreign_files import readable_files
from shared.lake.maintenance.grouping import Group
from shared.lake.maintenance.merged_deletes import MergedDeletes
from shared.lake.maintenance.overtaking import Replacement
from shared.lake.maintenance.policy import MaintenancePolicy, with_properties
from shared.lake.maintenance.rewriting import rewrite
from shared.lake.maintenance.row_groups import Held
from shared.lake.manifests import FORMAT_VERSION
from shared.runtime.errors import CheckFailed, Refused, Unavailable
from shared.tables.spec import TableSpec

__all__ = ["CompactionReport", "CompactionStep", "Status", "compact"]

PATIENCE_S = 300.0
"""How long a commit is tried: others come first again and again, and a rewrite is dear."""


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

    A group that fails is passed over, and so is a partition that holds what cannot be read here:
    the others are done, then the gravest error is raised, which tells how much was done. Where the
    store does not answer for three groups in a row, or the catalog for one, no more are begun.

    Raises:
        Unavailable: the catalog does not answer.
        Refused: the table is of a format that is not written here, or a partition that was due
            has files that cannot be read here.
        NotFound: the table does not exist.
        ConfigurationError: a property of the table cannot be read.
        CheckFailed: a file does not hold the rows that its manifest tells of.
        OSError: the object store does not answer, or lacks a file.
    """
    started = time.monotonic()
    table = handle.load()
    policy = with_properties(policy, table.metadata.properties)
    state = handle.state()
    if state.format_version != FORMAT_VERSION:
        raise Refused(
            f"{spec.name} is of Iceberg format version {state.format_version}, only version "
            f"{FORMAT_VERSION} is compacted",
            "compact it with the engine that moved it to that version",
        )
    due = due_groups(table, spec, state, policy, now_ms, force=force)
    failed = FailedGroups(spec.name)
    for words, error in due.refused:
        failed.add(words, error)
    if dry_run or not due.groups:
        foreseen = due.foreseen(Status.DRY_RUN if dry_run else Status.SKIPPED)
        if failed and not due.groups:
            raise failed.error(replace(foreseen, groups=0))
        return replace(foreseen, seconds=time.monotonic() - started)
    run = _Run(handle, spec, policy, writer, thinning, progress, stop)
    for number, (words, group) in enumerate(due.groups, 1):
        if stop is not None and stop():
            run.given_up.append("stopped")
            break
        if failed.hopeless:
            break
        try:
            run.group(words, group, number, due.groups)
        except (Refused, CheckFailed, Unavailable, OSError, *UNREADABLE) as error:
            failed.add(words, error)
        else:
            failed.committed()
    if failed:
        raise failed.error(run.report())
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

    def group(
        self, words: str, group: Group, number: int, groups: Sequence[tuple[str, Group]]
    ) -> None:
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
        if not group.files:
            tell(self._merged(words, MergedDeletes(table, group.spec_id, words)))
            return
        inputs = [file.path for file in group.files]
        live = None if head is None else readable_files(table, head).files
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
        outcome = self._committed(words, replacement)
        if outcome is None:
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

    def _merged(self, words: str, merged: MergedDeletes) -> Outcome | None:
        outcome = self._committed(words, merged)
        if outcome is not None:
            done = self._done
            self._done = replace(
                done,
                status=Status.SUCCESS,
                groups=done.groups + 1,
                deletes_dropped=done.deletes_dropped + len(merged.dropped),
                dropped=done.dropped | merged.dropped,
                outcomes=(*done.outcomes, outcome),
            )
        return outcome

    def _committed(self, words: str, change: Replacement | MergedDeletes) -> Outcome | None:
        self._handle.forget()  # writing took longer than heads last
        try:
            return commit(
                self._handle,
                change.decide,
                commit_id=uuid7(),
                writer=self._writer,
                thinning=self._thinning,
                patience_s=PATIENCE_S,
            )
        except Stale as error:
            self._wasted(words, str(error), change.bytes)
            return None

    def _wasted(self, words: str, reason: str, size: int) -> None:
        self.given_up.append(f"{words or 'a group'}: {reason}")
        self._done = replace(
            self._done,
            attempts_wasted=self._done.attempts_wasted + 1,
            bytes_wasted=self._done.bytes_wasted + size,
        )
