"""Delete files below a table's location that nothing names and nobody is about to name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.listing import Listing
from shared.tables.spec import TableSpec

SAMPLES = 20
LEAST_AGE_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class OrphanReport:
    """What a sweep found and removed, or in a dry run would remove.

    Attributes:
        listed, referenced, too_young, removed: numbers of objects.
        elsewhere: objects below the location of another table, which are none of this one's.
        bytes: of the removed ones.
        errors: objects that could not be removed.
        samples: some of the removed ones.
        held_at_most: entries held in memory at once, digests of named files included.
    """

    status: Status
    listed: int = 0
    referenced: int = 0
    too_young: int = 0
    elsewhere: int = 0
    removed: int = 0
    bytes: int = 0
    errors: int = 0
    seconds: float = 0.0
    samples: tuple[str, ...] = ()
    held_at_most: int = 0
    reason: str = ""


def remove_orphans(
    handle: TableHandle,
    spec: TableSpec,
    *,
    older_than_ms: int,
    now_ms: int,
    listing: Listing | None = None,
    dry_run: bool = False,
    allow_young: bool = False,
    progress: Callable[[OrphanReport], None] | None = None,
) -> OrphanReport:
    """Remove what was last modified before ``older_than_ms`` (since the epoch) and is not named.

    Raises:
        Refused: the cut-off is less than an hour ago and ``allow_young`` is not set; or the
            table's files are not to be seen in the listing.
        OSError, Unavailable: catalog or store do not answer.
    """
    raise NotImplementedError
