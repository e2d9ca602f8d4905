"""When a table is maintained: what is due, why, and what it brings for what it costs. Pure.

**Benefit per cost.** A file costs who reads it a request and a footer, whatever its size; Iceberg
puts that at 4 MiB of reading (``read.split.open-file-cost``). So the benefit of a rewrite is the
bytes that one reading of the partition is spared: 4 MiB for every data and delete file that is gone
afterwards, and the bytes of rows that are read only to be left out. Its cost is the bytes that it
reads and writes itself. Benefit divided by cost is how much of the rewrite the first reader
after it pays back, and what proposals are ordered by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.lake.maintenance.shape import TableShape

OPEN_FILE_BYTES = 4 * 2**20
"""What opening a file costs a reader, in bytes read (``read.split.open-file-cost``)."""


@dataclass(frozen=True, slots=True)
class MaintenancePolicy:
    """When a table is maintained, and what becomes of its files.

    Attributes:
        target_bytes: a data file of that size is full (``write.target-file-size-bytes``).
        small_share: of the target; smaller files are small.
        least_files: a partition with fewer small files is left alone.
        deleted_share: of a file's rows; it is written anew when so many are deleted.
        hot_s: a partition that got a file so recently waits, in seconds...
        many_files: ... unless it has so many small files.
        least_benefit: bytes spared for each byte of a rewrite; what brings less is left.
        memory_bytes: rows held while files are rewritten.
        retention_days: age up to which snapshots stay (``history.expire.max-snapshot-age-ms``).
        retain_last: newest snapshots that stay at any age
            (``history.expire.min-snapshots-to-keep``).
        many_manifests: more are written anew (``commit.manifest.min-count-to-merge``).
        orphan_days: age from which a file that nothing names is an orphan.
        open_file_bytes: what opening a file costs a reader (``read.split.open-file-cost``).
    """

    target_bytes: int = 128 * 2**20
    small_share: float = 0.75
    least_files: int = 5
    deleted_share: float = 0.1
    hot_s: float = 120.0
    many_files: int = 60
    least_benefit: float = 1 / 32
    memory_bytes: int = 256 * 2**20
    retention_days: float = 7.0
    retain_last: int = 3
    many_manifests: int = 100
    orphan_days: float = 3.0
    open_file_bytes: int = OPEN_FILE_BYTES

    @property
    def small_bytes(self) -> int:
        """Smaller files are small."""
        return int(self.small_share * self.target_bytes)


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


def with_properties(policy: MaintenancePolicy, properties: Mapping[str, str]) -> MaintenancePolicy:
    """The policy of a table: its own standard properties win.

    Raises:
        ConfigurationError: a property cannot be read; it is named with its value.
    """
    raise NotImplementedError


def proposals(shape: TableShape, policy: MaintenancePolicy, now_ms: int) -> list[Proposal]:
    """Everything that might be done to a table, what is due first and the best paid first."""
    raise NotImplementedError
