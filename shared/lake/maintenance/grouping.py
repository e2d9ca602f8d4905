"""Which files of a partition are written anew together. Pure.

**A partition at rest** gives all its small files. **A hot one**, which somebody writes to, is left
alone until it has many; then only those files join that are at most twice as large as all smaller
ones together. So whenever rows are written anew, their file grows by half at least, and on the way
to the target size they are written some ten times and not once for every sixty commits.

Where nothing of that is due and delete files are many, they become one, and the data files stay.

Files that have lost a share of their rows join whatever their size; in a hot partition three times
the share, or a table whose rows are changed all the time would be written anew all the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.lake.maintenance.shape import FileShape, PartitionShape
from shared.lake.maintenance.thresholds import MaintenancePolicy

GROUP_TARGETS = 4
"""A group holds the bytes of so many full files: what is lost when it is overtaken."""

GROUP_ROWS = 16_000_000
"""A group has no more rows, of several files: where each went is remembered, in eight bytes."""

HOT_FACTOR = 3
"""In a hot partition so many times the share of a file's rows must be deleted."""

GROWTH = 2
"""A file of a hot partition joins smaller ones that hold a ``GROWTH``-th of its bytes."""


MANY_DELETES = 20
"""A partition has as many delete files at most before they become one; a hot one
:data:`HOT_FACTOR` times as many, as a build that has read what was there must plan anew."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are written anew together, in the order of their rows.

    Attributes:
        files: that go; none where only the delete files of the partition become one.
        after: files that will come, as far as it can be told.
        benefit: bytes that one reading of the partition is spared.
        cost: bytes read and written.
        spec_id: partition spec of the partition.
    """

    files: tuple[FileShape, ...]
    after: int
    benefit: int
    cost: int
    spec_id: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a partition is written anew, and why it is or why nothing is."""

    groups: tuple[Group, ...]
    reason: str


def choose(
    partition: PartitionShape, policy: MaintenancePolicy, now_ms: int, *, force: bool = False
) -> Choice:
    """The groups of a partition that are due; with ``force`` all that bring anything."""
    if partition.refusal is not None:
        return Choice((), partition.refusal.what)
    if partition.level_zero:
        return Choice((), "level 0, which goes to the partitions when its table is folded")
    small = [file for file in partition.files if file.size < policy.small_bytes]
    quiet_s = (now_ms - partition.newest_ms) / 1000
    hot = quiet_s < policy.hot_s and not force
    share = round(policy.deleted_share * (HOT_FACTOR if hot else 1), 9)
    lost = [f for f in partition.files if f.deleted and (force or _share(f) >= share)]
    least = 2 if force else policy.many_files if hot else policy.least_files
    joined = small if len(small) >= least else []
    if hot:
        joined = _growing(joined)
    chosen = {file.path: file for file in (*joined, *lost)}
    words = f"{len(small)} of {len(partition.files)} files are small"
    if lost:
        words += f", {len(lost)} have lost {share:.0%} of their rows or more"
    if not chosen:
        if merged := _merged(partition, policy, hot=hot, force=force):
            return Choice((merged,), f"{partition.delete_files} delete files, {words}")
        return Choice((), words + (f"; the last came {quiet_s:.0f} s ago" if hot else ""))
    groups = _packed(partition, list(chosen.values()), policy)
    paid = tuple(g for g in groups if g.benefit >= (0 if force else policy.least_benefit) * g.cost)
    paid = tuple(g for g in paid if g.benefit > 0)
    if not paid and (merged := _merged(partition, policy, hot=hot, force=force)):
        return Choice((merged,), f"{partition.delete_files} delete files, {words}")
    return Choice(paid, words if paid else f"{words}; to write them anew brings too little")


def _merged(
    partition: PartitionShape, policy: MaintenancePolicy, *, hot: bool, force: bool
) -> Group | None:
    """The delete files as one, where nothing else is due and there are many."""
    least = 2 if force else MANY_DELETES * HOT_FACTOR if hot else MANY_DELETES
    if partition.delete_files < least:
        return None
    spared = (partition.delete_files - 1) * policy.open_file_bytes
    return Group((), 0, spared, 2 * partition.delete_bytes, partition.spec_id)


def _share(file: FileShape) -> float:
    """Of its rows that are deleted, without the noise of floating point."""
    return round(file.deleted / max(file.rows, 1), 9)


def _growing(files: Sequence[FileShape]) -> list[FileShape]:
    """The smallest files up to the last one that is no more than twice those before it."""
    ordered = sorted(files, key=lambda file: file.size)
    held = last = 0
    for at, file in enumerate(ordered):
        if at and file.size <= GROWTH * held:
            last = at + 1
        held += file.size
    return ordered[:last]


def _packed(
    partition: PartitionShape, files: list[FileShape], policy: MaintenancePolicy
) -> list[Group]:
    """Groups of neighbours: by the first column of the declared order, or by age."""
    files.sort(key=lambda f: (f.lower is None, f.lower, f.sequence_number, f.path))
    most = GROUP_TARGETS * policy.target_bytes
    parts: list[list[FileShape]] = [[]]
    held = rows = 0
    for file in files:
        if parts[-1] and (held + file.size > most or rows + file.rows > GROUP_ROWS):
            parts.append([])
            held = rows = 0
        parts[-1].append(file)
        held, rows = held + file.size, rows + file.rows
    chosen = {file.path for file in files}
    clean = all(not file.deleted or file.path in chosen for file in partition.files)
    groups = []
    for part in parts:
        emptied = partition.delete_files if clean and any(file.deleted for file in part) else 0
        groups.append(_group(part, emptied, policy))
        clean = clean and not emptied  # they are gone once
    return groups


def _group(files: list[FileShape], emptied: int, policy: MaintenancePolicy) -> Group:
    before = sum(file.size for file in files)
    lost = sum(file.size * min(file.deleted, file.rows) // max(file.rows, 1) for file in files)
    left = sum(file.rows - file.deleted for file in files)
    after = -(-(before - lost) // policy.target_bytes) if left > 0 else 0
    gone = max(len(files) - after, 0) + emptied
    return Group(
        tuple(files), after, gone * policy.open_file_bytes + lost, before + (before - lost)
    )
