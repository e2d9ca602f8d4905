"""What of a table is due to be written anew, and what would be and may not be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyiceberg.table import Table

from shared.lake.maintenance.compaction_report import CompactionReport, Status
from shared.lake.maintenance.foreign_files import readable_files
from shared.lake.maintenance.grouping import Choice, Group, choose
from shared.lake.maintenance.shape import partitions_of
from shared.lake.maintenance.thresholds import MaintenancePolicy
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class DueGroups:
    """Groups by the words of their partition.

    Attributes:
        groups: to be written anew.
        refused: partitions where something is due, and why it must not be done.
        reason: why these are due, or why nothing is.
    """

    groups: tuple[tuple[str, Group], ...]
    refused: tuple[tuple[str, Refused], ...]
    reason: str

    def foreseen(self, status: Status) -> CompactionReport:
        """What a compaction would do."""
        files = [file for _, group in self.groups for file in group.files]
        return CompactionReport(
            status,
            reason=self.reason,
            groups=len(self.groups),
            files_before=len(files),
            files_after=sum(group.after for _, group in self.groups),
            bytes_before=sum(file.size for file in files),
            rows=sum(file.rows - file.deleted for file in files),
        )


def due_groups(
    table: Table,
    spec: TableSpec,
    state: TableState,
    policy: MaintenancePolicy,
    now_ms: int,
    *,
    force: bool,
) -> DueGroups:
    """What is due at the head of ``main``.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    head = state.current_snapshot()
    if head is None:
        return DueGroups((), (), "the table has no files")
    chosen: list[tuple[str, Choice]] = []
    refused: list[tuple[str, Refused]] = []
    for each in partitions_of(table, spec, state, readable_files(table, head)):
        choice = choose(replace(each, refusal=None), policy, now_ms, force=force)
        if each.refusal is not None and choice.groups:
            refused.append((each.words, each.refusal))
            choice = Choice((), f"refused, {each.refusal.what}")
        chosen.append((each.words, choice))
    groups = tuple((words, group) for words, choice in chosen for group in choice.groups)
    told = [
        f"{words or 'the table'}: {choice.reason}"
        for words, choice in chosen
        if choice.groups or any(words == own for own, _ in refused)
    ]
    reason = "; ".join(told) or f"nothing is due in {len(chosen)} partitions"
    return DueGroups(groups, tuple(refused), reason if chosen else "the table has no files")
