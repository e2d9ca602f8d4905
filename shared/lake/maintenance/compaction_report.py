"""What a compaction tells: how far it is, and in the end what it did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.lake.commit import Outcome


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
