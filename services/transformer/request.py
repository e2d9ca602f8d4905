"""What a build is told, and what it tells: the words between the service and its workers.

Plain values: they cross process borders, and no table library is needed to make or read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.contracts.days import Days


class Stage(StrEnum):
    """How far a build goes."""

    LIVE = "live"
    """Bring the table up to its inputs' heads; in full right away when it was never built."""
    REBUILD = "rebuild"
    """Build in full beside the table, on the branch ``rebuild``, and catch up; publish nothing.
    Live builds go on meanwhile."""
    PUBLISH = "publish"
    """Catch up once more and make the branch the table; no live build runs meanwhile."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build.

    Attributes:
        build_id: UUIDv7, also the id of its commit.
        stage: how far it goes.
        reason: why, in words.
        as_of: business date for tables that depend on it.
        days: with the stage ``LIVE``: rows of these days are computed anew, changed or not.
        announced: the target's last sequence number that is announced; thinning keeps later ones.
        pinned: snapshots of the target that its readers have recorded; thinning keeps them.
    """

    build_id: str
    stage: Stage
    reason: str
    as_of: date
    days: Days | None = None
    announced: int | None = None
    pinned: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. A build that fails raises instead.

    Attributes:
        mode: ``incremental``, ``full`` or ``nothing``.
        reason: why in this mode, in words.
        rebuild: why the table must be rebuilt beside its live state, which this build therefore
            did not touch; ``None`` where there is no need.
        rows_read, bytes_read: of the inputs and of the table itself.
        rows_added, rows_removed, bytes_written: in the commit.
        snapshot_id, sequence_number: of the commit; ``None`` when there was nothing to record.
        as_of: the business date recorded, for a ticked table.
        sources: the snapshot of each input that the table contains now, as far as it is known.
    """

    mode: str
    reason: str = ""
    rebuild: str | None = None
    rows_read: int = 0
    bytes_read: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    bytes_written: int = 0
    snapshot_id: int | None = None
    sequence_number: int | None = None
    as_of: date | None = None
    sources: Mapping[str, int] = field(default_factory=dict)
