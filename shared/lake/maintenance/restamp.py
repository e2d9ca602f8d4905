"""Give a head of another engine a snapshot on top that says where the table stands."""

from __future__ import annotations

from dataclasses import dataclass

from shared.lake.commit import Thinning
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class RestampReport:
    """How it ended, over how many foreign snapshots, and why it was skipped."""

    status: Status
    foreign: int
    snapshot_id: int | None = None
    seconds: float = 0.0
    reason: str = ""


def restamp(
    handle: TableHandle,
    spec: TableSpec,
    *,
    writer: str,
    thinning: Thinning | None = None,
    dry_run: bool = False,
) -> RestampReport:
    """Commit an empty ``replace`` that carries what the nearest ancestor of ours records.

    Raises:
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    raise NotImplementedError
