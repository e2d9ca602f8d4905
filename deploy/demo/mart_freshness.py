"""How long records took to reach a derived table, told by the table's own history.

A snapshot says up to which offsets the table is complete. So a record is there from the first
snapshot on that says so of its offset; no clock but those of receipt and commit takes part.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from shared.lake.history import offsets_of, versions
from shared.lake.positions import PartitionKey
from shared.lake.table_state import TableState

_QUANTILES = """
select quantile_cont(s, 0.5) as p50, quantile_cont(s, 0.99) as p99, max(s) as max from seconds
"""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds from receipt to the commit of the first retained snapshot that holds the record.

    Attributes:
        seconds: ``p50``, ``p99`` and ``max``; null without a record.
        records: how many were looked at.
        not_reached: records that no snapshot holds; they are in no figure.
        upper_bound: whether snapshots in between were thinned away, so that a record may have
            been there earlier than told.
    """

    seconds: Mapping[str, float | None]
    records: int
    not_reached: int
    upper_bound: bool


@dataclass(slots=True)
class _Steps:
    """What one partition's completeness grew to, when, and whether it may have grown before."""

    complete: list[int]
    moments: list[datetime]
    exact: list[bool]


def freshness(state: TableState, received: pa.Table) -> Freshness:
    """How long records took. Pure.

    Args:
        state: the derived table.
        received: ``_topic, _partition, _offset, _received_at`` of the records.
    """
    steps = _steps(state)
    seconds: list[float] = []
    not_reached = 0
    upper_bound = False
    for row in received.select(["_topic", "_partition", "_offset", "_received_at"]).to_pylist():
        if row["_received_at"] is None:
            continue
        found = steps.get((row["_topic"], row["_partition"]))
        number = 0 if found is None else bisect_right(found.complete, row["_offset"])
        if found is None or number == len(found.complete):
            not_reached += 1
            continue
        seconds.append((found.moments[number] - row["_received_at"]).total_seconds())
        upper_bound = upper_bound or not found.exact[number]
    with duckdb.connect() as sql:
        sql.register("seconds", pa.table({"s": pa.array(seconds, pa.float64())}))
        p50, p99, longest = sql.execute(_QUANTILES).fetchall()[0]
    return Freshness(
        {"p50": p50, "p99": p99, "max": longest},
        records=len(seconds) + not_reached,
        not_reached=not_reached,
        upper_bound=upper_bound,
    )


def _steps(state: TableState) -> dict[PartitionKey, _Steps]:
    """Of each partition the growth of what the table is complete up to, oldest first."""
    steps: dict[PartitionKey, _Steps] = {}
    previous: int | None = None
    for version in versions(state):
        if not version.in_history:
            continue
        exact = version.parent_id == previous
        for key, offset in offsets_of(state.by_id[version.snapshot_id]).items():
            grown = steps.setdefault(key, _Steps([], [], []))
            if not grown.complete or offset > grown.complete[-1]:
                grown.complete.append(offset)
                grown.moments.append(version.committed_at)
                grown.exact.append(exact)
        previous = version.snapshot_id
    return steps
