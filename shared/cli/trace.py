"""``bergline trace``: one event from webhook to mart, every hop with its time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, latency, moment, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.lake.tracing.trace import Delivery, DerivedHop, DerivedRow, Trace

app = typer.Typer(add_completion=False)


@app.command()
def trace(
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT_ID", help="The vendor's event id, or a delivery id.")
    ],
    days: Annotated[float, typer.Option(min=0.001, help="How far back to search.")] = 7.0,
    timeout: Annotated[
        float, typer.Option(min=1, help="Longest time for reading topics, in seconds.")
    ] = 60.0,
    output: Output = Format.TEXT,
) -> None:
    """Follow one event: webhook, topic and offset, row, and on through every derived table.

    Every delivery of the event is shown: vendors send again what they think was lost. A record
    that no snapshot holds yet is shown with the position of its table. Of each derived table: the
    snapshot from which on it contains the event, how long after acceptance that was, the row that
    it led to, and whether this event's version is the one kept there.
    """
    from shared.lake.tracing.search import trace as follow
    from shared.runtime.errors import NotFound, Unavailable
    from shared.runtime.settings import Settings

    found = asyncio.run(
        follow(
            Settings.load(),
            event_id,
            since=timedelta(days=days),
            timeout_s=timeout,
            progress=progress,
        )
    )
    if not found.deliveries and not found.complete:
        raise Unavailable(
            f"{event_id} was not found within {timeout:g} s; not everything was searched",
            "repeat with a longer --timeout, or fewer --days",
        )
    if not found.deliveries:
        raise NotFound(
            f"no event or delivery {event_id} in: {'; '.join(found.searched)}",
            "search further back with --days, or see `bergline topics tail dlq.ingestion-errors`",
        )
    emit(output, as_json(found), _as_text(found))


def as_json(found: Trace) -> dict[str, Any]:
    """The trace with times in ISO 8601 and latencies in milliseconds."""
    from pydantic import TypeAdapter

    from shared.lake.tracing.trace import Trace

    body: dict[str, Any] = TypeAdapter(Trace).dump_python(found, mode="json")
    for each, delivery in zip(body["deliveries"], found.deliveries, strict=True):
        each["latency_ms"] = {
            "to_broker": _milliseconds(delivery.to_broker),
            "to_prepared": _milliseconds(delivery.to_prepared),
            "to_committed": _milliseconds(delivery.to_committed),
            "end_to_end": _milliseconds(delivery.end_to_end),
            "through": _milliseconds(delivery.through),
        }
    return {**body, "landed": found.landed}


def _milliseconds(span: timedelta | None) -> float | None:
    return None if span is None else span / timedelta(milliseconds=1)


def _as_text(found: Trace) -> Any:
    parts: list[Any] = []
    for number, delivery in enumerate(found.deliveries, 1):
        title = f"delivery {number} of {len(found.deliveries)}: {cell(delivery.event_type)}"
        parts += [table(("hop", "time", ">latency", "what"), _hops(delivery), title=title), ""]
    if not found.complete:
        parts.append("[yellow]time ran out: not all topics were searched[/]")
    return stacked(*parts)


def _hops(delivery: Delivery) -> list[tuple[object, ...]]:
    place = f"{delivery.topic}/{delivery.partition}/{delivery.offset}"
    record = cell(place) + ("" if delivery.on_topic else " [dim](no longer in the log)[/]")
    ids = cell(f"event {delivery.event_id}, delivery {delivery.delivery_id}")
    hops: list[tuple[object, ...]] = [
        ("webhook", moment(delivery.received_at), "", ids),
        ("topic", moment(delivery.timestamp), latency(delivery.to_broker), record),
    ]
    row = delivery.row
    if row is None:
        at = NOTHING if delivery.table_next is None else delivery.table_next
        hops.append(("row", NOTHING, NOTHING, f"not landed yet: its table stands at {at}"))
        return hops
    notes = [f"{row.table} key {row.key}"]
    notes += [f"not parsed: {row.error}"] if row.error else []
    notes += [f"did not fit: {row.drift}"] if row.drift else []
    notes += ["a replay of ours"] if row.replayed else []
    notes += [f"sent for dead letter {row.replayed_from}"] if row.replayed_from else []
    hops.append(
        ("row", moment(row.loaded_at), latency(delivery.to_prepared), cell(", ".join(notes)))
    )
    snapshot = row.snapshot
    if snapshot is None:
        hops.append(("snapshot", NOTHING, NOTHING, "no retained snapshot tells"))
        return hops
    what = f"{snapshot.snapshot_id} by {snapshot.writer}, commit {snapshot.commit_id}"
    if not snapshot.exact:
        what += "; the first one retained, the one that added the row was thinned away"
    bound = "" if snapshot.exact else "≤ "
    hops.append(
        (
            "snapshot",
            moment(snapshot.committed_at),
            bound + latency(delivery.to_committed),
            cell(what),
        )
    )
    hops.append(("end to end", "", bound + latency(delivery.end_to_end), ""))
    hops += [_derived_hop(delivery, hop) for hop in delivery.derived]
    if delivery.through is not None:
        exact = all(hop.snapshot is not None and hop.snapshot.exact for hop in delivery.derived)
        hops.append(("through all", "", ("" if exact else "≤ ") + latency(delivery.through), ""))
    return hops


def _derived_hop(delivery: Delivery, hop: DerivedHop) -> tuple[object, ...]:
    """A line: when the table contained the event, how long after acceptance, in which row."""
    snapshot = hop.snapshot
    if snapshot is None:
        at = "nothing is recorded" if hop.complete is None else f"complete up to {hop.complete}"
        return (hop.table, NOTHING, NOTHING, f"not yet here: {at}")
    since = delivery.received_at
    span = None if since is None else snapshot.committed_at - since
    bound = "" if snapshot.exact else "≤ "
    nothing = "not refused" if hop.quarantine else "no row"
    if hop.sought and not hop.quarantine:
        nothing += f" of {_key_text(hop.sought[0])}"
    what = "; ".join(_row_text(row) for row in hop.rows) or nothing
    return (
        hop.table,
        moment(snapshot.committed_at),
        bound + latency(span),
        cell(f"{what}, snapshot {snapshot.snapshot_id}"),
    )


def _row_text(row: DerivedRow) -> str:
    text = _key_text(row.key)
    if row.rule is not None:
        return f"refused by rule {row.rule}"
    if row.won:
        return f"{text}, this version is the one kept"
    if row.won is False:
        return f"{text}, kept is the version of event {row.event_id}"
    return text


def _key_text(key: Mapping[str, str | None]) -> str:
    return " ".join(f"{name}={value}" for name, value in key.items())
