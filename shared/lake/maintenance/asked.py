"""What is asked of a job of maintenance, and what it must leave."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from shared.lake.table_state import TableState


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator says beside the policy; what is ``None`` or false is left to that.

    Attributes:
        force: do it, whether it is due or not.
        retention_days, retain_last: of expiry.
        older_than_ms: of orphans, milliseconds since the epoch.
        allow_young: of orphans, younger than a day, too.
    """

    force: bool = False
    retention_days: float | None = None
    retain_last: int | None = None
    older_than_ms: int | None = None
    allow_young: bool = False


BY_POLICY = Asked()
"""Nobody asked for it: the policy alone decides."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What expiry must leave.

    Attributes:
        pinned: snapshots that readers have recorded.
        announced: last announced sequence number; ``None``: nothing waits for that.
    """

    pinned: Collection[int] = ()
    announced: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """How a job is to be run.

    Attributes:
        asked: what an operator says.
        kept: what expiry must leave of a table in this state.
        dry_run: change nothing, tell what would be done.
        stop: asked again and again; once true, a compaction gives up the group that it is at.
    """

    asked: Asked = BY_POLICY
    kept: Callable[[TableState], Kept] = lambda _: Kept()
    dry_run: bool = False
    stop: Callable[[], bool] = lambda: False
