"""Snapshots of maintenance that hold what their parent holds: no file comes or goes."""

from __future__ import annotations

from shared.lake.decisions import Delta, Head
from shared.lake.table_state import SnapshotEntry

KEY_HOUSEKEEPING = "bergline.housekeeping"
"""Summary key of such a snapshot: which job made it."""


def housekeeping(head: Head, job: str, *, merge: bool = False) -> Delta:
    """A ``replace`` on ``head`` without files, which records what that records."""
    return Delta(planned=head.snapshot, replace=True, merge=merge, summary={KEY_HOUSEKEEPING: job})


def is_housekeeping(snapshot: SnapshotEntry) -> bool:
    """Whether it is no version of its own: its parent's, once more."""
    return KEY_HOUSEKEEPING in snapshot.summary
