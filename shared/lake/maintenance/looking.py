"""One look at a table: how it stands, and what is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.plans import PlannedJob, PlannedMaintenance
from shared.lake.handle import TableHandle
from shared.lake.maintenance.asked import Kept
from shared.lake.maintenance.policy import NOTHING_KEPT, Proposal, expiring, proposals
from shared.lake.maintenance.shape import TableShape, shape_of
from shared.lake.maintenance.thresholds import MaintenancePolicy, with_properties
from shared.lake.maintenance.unreferenced import Unreferenced
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at a table.

    Attributes:
        state, shape: the table.
        proposals: what might be done to it, what is due first.
        unreferenced: files that nothing names since the last looks, old enough to go.
        small_bytes: smaller files are small.
    """

    state: TableState
    shape: TableShape
    proposals: tuple[Proposal, ...]
    unreferenced: bool
    small_bytes: int


def look(
    handle: TableHandle,
    spec: TableSpec,
    policy: MaintenancePolicy,
    unreferenced: Unreferenced,
    kept: Callable[[TableState], Kept],
) -> Looked:
    """Look at a table as it is now; ``unreferenced`` learns what nothing names any more.

    ``kept`` tells what an expiry would have to leave; it is asked when something would go.

    Raises:
        OSError: the store does not answer, or a file that the table names is not there.
        Refused, ConfigurationError: it has files or properties that cannot be read here.
    """
    state = handle.reload()
    table = handle.table
    shape = shape_of(table, spec, state)
    own = with_properties(policy, state.properties)
    unreferenced.look(state, table.io)
    now_ms = int(time.time() * 1000)
    leave = kept(state) if expiring(state, own, now_ms) else NOTHING_KEPT
    found = tuple(proposals(shape, state, own, now_ms, leave))
    return Looked(state, shape, found, unreferenced.due(), own.small_bytes)


def planned(table: str, found: Looked, now: datetime) -> PlannedMaintenance:
    """A look in words."""
    shape = found.shape
    return PlannedMaintenance(
        table=table,
        looked_at=now,
        data_files=shape.files,
        small_files=shape.small_files(found.small_bytes),
        delete_files=shape.delete_files,
        live_bytes=shape.bytes,
        snapshots=len(found.state.snapshots),
        manifests=shape.data_manifests + shape.delete_manifests,
        jobs=tuple(
            PlannedJob(
                job=each.job,
                due=each.due,
                reason=each.reason,
                partition=each.partition,
                files=each.files,
                bytes=each.bytes,
            )
            for each in found.proposals
        ),
    )
