"""A small platform, and what happens on it: events of every kind, in an order that may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.contracts.builds import BuildFailed, BuildSucceeded
from shared.contracts.event import Event
from shared.contracts.maintenance import Figures, MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.partitions import PartitionResumed, PartitionStopped
from shared.contracts.spool import SpoolChanged
from shared.contracts.tables import SourcePosition, TableCommitted
from shared.contracts.topics import BUILDS, COMMITS, MAINTENANCE, PARTITIONS, SPOOL
from shared.tables.spec import Column, Derivation, Kind, TableSpec, Type

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)
NOON = (BEGAN + timedelta(hours=12)).timestamp()
TOPIC = "shop.orders"
RAW, STAGED, REJECTED, MART = "raw.orders", "staging.orders", "staging.orders_rejected", "marts.day"

_COLUMNS = (Column("a", Type.STRING, 1),)


def _derived(name: str, *reads: str) -> TableSpec:
    derivation = Derivation(Kind.GROUP, reads, ("a",))
    return TableSpec(name, (), _COLUMNS, None, "A table.", derived=derivation)


TABLES = {
    spec.name: spec
    for spec in (
        TableSpec(RAW, (TOPIC,), _COLUMNS, None, "A table."),
        _derived(STAGED, RAW),
        _derived(REJECTED, RAW),
        _derived(MART, STAGED),
    )
}


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def commit(table: str, number: int, seconds: float | None = None, **more: Any) -> TableCommitted:
    return TableCommitted(
        **{
            "table": table,
            "uuid": "u",
            "snapshot_id": number,
            "parent_snapshot_id": number - 1 or None,
            "sequence_number": number,
            "operation": "append",
            "committed_at": at(number if seconds is None else seconds),
            "added_rows": 5,
            "total_rows": 5 * number,
            "total_files": number,
            "snapshots": number,
            **more,
        }
    )


def landed(number: int, seconds: float | None = None, **more: Any) -> TableCommitted:
    """A commit of the landing table, complete up to ten times its number."""
    offsets = {TOPIC: {0: 10 * number}}
    return commit(RAW, number, seconds, **{"offsets": offsets, **more})


def built(
    table: str, number: int, up_to: int, seconds: float | None = None, **more: Any
) -> TableCommitted:
    """A commit of a derived table that holds the landing table's commit ``up_to``."""
    read = RAW if table in (STAGED, REJECTED) else STAGED
    sources = {read: SourcePosition(uuid="u", snapshot_id=up_to, sequence_number=up_to)}
    complete = {TOPIC: {0: 10 * up_to}}
    return commit(table, number, seconds, **{"complete": complete, "sources": sources, **more})


def failed(
    target: str, seconds: float, attempt: int = 1, *, will_retry: bool = True
) -> BuildFailed:
    return BuildFailed(
        build_id=f"{target}/{seconds}",
        target=target,
        wave="w",
        cause="commit",
        attempt=attempt,
        error_type="ValueError",
        error="no",
        seconds=1,
        will_retry=will_retry,
        failed_at=at(seconds),
    )


def succeeded(target: str, seconds: float) -> BuildSucceeded:
    return BuildSucceeded(
        build_id=f"{target}/{seconds}",
        target=target,
        wave="w",
        cause="commit",
        mode="incremental",
        attempt=1,
        seconds=1,
        succeeded_at=at(seconds),
    )


def maintained(table: str, seconds: float, job: Any = "compact", **more: Any) -> Event:
    return MaintenanceSucceeded(
        **{
            "job_id": f"{table}/{job}/{seconds}",
            "job": job,
            "table": table,
            "status": "succeeded",
            "cause": "policy",
            "seconds": 1,
            "succeeded_at": at(seconds),
            **more,
        }
    )


def unmaintained(table: str, seconds: float, job: Any = "compact", cause: Any = "policy") -> Event:
    return MaintenanceFailed(
        job_id=f"{table}/{job}/{seconds}",
        job=job,
        table=table,
        cause=cause,
        attempt=1,
        error_type="OSError",
        error="no",
        seconds=1,
        will_retry=True,
        failed_at=at(seconds),
    )


def spooled(change: Any, seconds: float, began: float, instance: str = "i/0") -> SpoolChanged:
    return SpoolChanged(
        instance=instance,
        change=change,
        reason="the broker is away",
        began_at=at(began),
        changed_at=at(seconds),
    )


def stopped(number: int, reason: str, seconds: float = 0) -> PartitionStopped:
    return PartitionStopped(
        topic=TOPIC, partition=number, table=RAW, reason=reason, stopped_at=at(seconds)
    )


def resumed(number: int, seconds: float = 0) -> PartitionResumed:
    return PartitionResumed(topic=TOPIC, partition=number, table=RAW, resumed_at=at(seconds))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Event]]:
    """Events with their topics, in the order in which they happened; no table is rolled back."""
    happened: list[tuple[str, Event]] = []
    now, numbers, landings = 0.0, dict.fromkeys(TABLES, 0), 0
    held = dict.fromkeys(TABLES, 0)
    kinds = ["land", "land", "build", "build", "move", "fail", "succeed", "maintain", "partition"]
    for kind in draw(st.lists(st.sampled_from([*kinds, "spool"]), max_size=25)):
        now += draw(st.sampled_from([1.0, 7.0, 90.0, 4000.0]))
        table = draw(st.sampled_from([STAGED, REJECTED, MART]))
        if kind == "land":
            landings = numbers[RAW] = numbers[RAW] + 1
            errors = draw(st.integers(0, 2))
            received = at(now - draw(st.integers(0, 20)))
            event = landed(numbers[RAW], now, errors=errors, oldest_received_at=received)
            happened.append((COMMITS, event))
        elif kind == "build":
            numbers[table] += 1
            held[table] = draw(st.integers(held[table], landings))
            happened.append((COMMITS, built(table, numbers[table], held[table], now)))
        elif kind == "move":
            moved = draw(st.sampled_from([RAW, table]))
            numbers[moved] += 1
            # As maintenance does: rows are the same, and so is what is recorded of them.
            if moved != RAW:
                event = built(moved, numbers[moved], held[moved], now, operation="replace")
                happened.append((COMMITS, event))
            elif landings:
                offsets = {TOPIC: {0: 10 * landings}}
                more: dict[str, Any] = {"operation": "replace", "offsets": offsets}
                happened.append((COMMITS, commit(RAW, numbers[RAW], now, **more)))
        elif kind in ("fail", "succeed"):
            attempt = draw(st.integers(1, 4))
            ended = failed(table, now, attempt) if kind == "fail" else succeeded(table, now)
            happened.append((BUILDS, ended))
        elif kind == "maintain":
            cause = draw(st.sampled_from(["policy", "command"]))
            good = draw(st.booleans())
            left = Figures(data_files=draw(st.sampled_from([None, 1, 3])))
            run = maintained(table, now, after=left)
            if not good:
                run = unmaintained(table, now, cause=cause)
            happened.append((MAINTENANCE, run))
        elif kind == "partition":
            number, reason = draw(st.integers(0, 1)), draw(st.sampled_from(["", "log_replaced"]))
            said = stopped(number, reason, now) if reason else resumed(number, now)
            happened.append((PARTITIONS, said))
        else:
            happened.append((SPOOL, spooled("began", now, now)))
            happened.append((SPOOL, spooled("ended", now + 1, now)))
    return happened
