"""When a table is maintained: what is due, why, and what it brings for what it costs. Pure.

**Benefit per cost.** A file costs who reads it a request and a footer, whatever its size; Iceberg
puts that at 4 MiB of reading (``read.split.open-file-cost``). So the benefit of a rewrite is the
bytes that one reading of the partition is spared: 4 MiB for every data and delete file that is gone
afterwards, and the bytes of rows that are read only to be left out. Its cost is the bytes that it
reads and writes itself. Benefit divided by cost is how much of the rewrite the first reader
after it pays back, and what proposals are ordered by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.lake.maintenance.asked import Kept
from shared.lake.maintenance.grouping import choose
from shared.lake.maintenance.retention import Retention
from shared.lake.maintenance.shape import PartitionShape, TableShape
from shared.lake.maintenance.thresholds import MaintenancePolicy, with_properties
from shared.lake.table_state import TableState

__all__ = ["Job", "MaintenancePolicy", "Proposal", "proposals", "with_properties"]


NOTHING_KEPT = Kept()


class Job(StrEnum):
    """What can be done to a table."""

    COMPACT = "compact"
    EXPIRE = "expire"
    MANIFESTS = "manifests"
    RESTAMP = "restamp"
    ORPHANS = "orphans"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What might be done, and why it is due or not.

    Attributes:
        job: what.
        due: whether it is to be done now.
        reason: why, or why not, in a few words.
        partition: whose files; empty for all of the table.
        files: that it would read and replace, or delete.
        bytes: of these.
        benefit: bytes that one reading of the partition is spared.
        cost: bytes that it reads and writes itself.
    """

    job: Job
    due: bool
    reason: str
    partition: str = ""
    files: int = 0
    bytes: int = 0
    benefit: int = 0
    cost: int = 0


def proposals(
    shape: TableShape,
    state: TableState,
    policy: MaintenancePolicy,
    now_ms: int,
    kept: Kept = NOTHING_KEPT,
) -> list[Proposal]:
    """Everything that might be done to a table, what is due first and the best paid first.

    Orphans are not among them: what nothing names is no part of the table's shape.

    Args:
        shape, state: the table.
        policy: of this table.
        now_ms: milliseconds since the epoch.
        kept: what an expiry would have to leave.
    """
    found = [_compaction(each, policy, now_ms) for each in shape.partitions]
    found += [_expiry(state, policy, now_ms, kept), _manifests(shape, policy), _restamp(shape)]
    return sorted(found, key=lambda each: (not each.due, -each.benefit / max(each.cost, 1)))


def _compaction(partition: PartitionShape, policy: MaintenancePolicy, now_ms: int) -> Proposal:
    chosen = choose(partition, policy, now_ms)
    files = [file for group in chosen.groups for file in group.files]
    return Proposal(
        Job.COMPACT,
        bool(chosen.groups),
        chosen.reason,
        partition.words,
        len(files),
        sum(file.size for file in files),
        sum(group.benefit for group in chosen.groups),
        sum(group.cost for group in chosen.groups),
    )


def expiring(
    state: TableState, policy: MaintenancePolicy, now_ms: int, kept: Kept = NOTHING_KEPT
) -> int:
    """How many snapshots an expiry would remove now."""
    retention = Retention.of(policy, now_ms, pinned=kept.pinned, announced=kept.announced)
    return len(retention.plan(state, now_ms).remove)


def _expiry(state: TableState, policy: MaintenancePolicy, now_ms: int, kept: Kept) -> Proposal:
    gone, count = expiring(state, policy, now_ms, kept), len(state.snapshots)
    if not gone:
        return Proposal(Job.EXPIRE, False, f"none of {count} snapshots has to go")
    since = f"for more than {policy.retention_days:g} days"
    return Proposal(Job.EXPIRE, True, f"{gone} of {count} snapshots were superseded {since}")


def _manifests(shape: TableShape, policy: MaintenancePolicy) -> Proposal:
    most = max(shape.data_manifests, shape.delete_manifests)
    words = f"{shape.data_manifests} manifests of data, {shape.delete_manifests} of deletes"
    return Proposal(Job.MANIFESTS, most > policy.many_manifests, words)


def _restamp(shape: TableShape) -> Proposal:
    words = f"{shape.foreign_head} snapshots of others on top of the last of ours"
    return Proposal(Job.RESTAMP, shape.foreign_head > 0, words)
