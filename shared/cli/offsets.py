"""``bergline offsets``: where a table stands in its topics, and an operator's word on it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import landing_table
from shared.cli.offset_statements import change_text, effect, require_held, statements
from shared.cli.output import Format, Output, confirmed, console, emit, progress, table
from shared.cli.words import NOTHING, cell, count, stacked

if TYPE_CHECKING:
    from shared.lake.recorded import Recorded
    from shared.lake.standing import PartitionStanding
    from shared.tables.spec import TableSpec

app = typer.Typer(add_completion=False, no_args_is_help=True)

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE", help="For example raw.shopify_orders.", autocompletion=landing_table
    ),
]


@app.command()
def show(name: TableArgument, output: Output = Format.TEXT) -> None:
    """Show what a table has recorded of every partition, beside the log, with a verdict."""
    from shared.lake.reader import LakeReader
    from shared.lake.recorded import recorded
    from shared.lake.standing import standing
    from shared.lake.table_state import TableState
    from shared.runtime.settings import Settings

    settings = Settings.load()
    spec = _landing(name)
    state = TableState.of(LakeReader(settings).table(name).metadata)
    known = recorded(state)
    found = asyncio.run(standing(settings, spec, state))
    result = {
        "table": name,
        "positions": "lost" if known.positions is None else "found",
        "snapshot_id": known.snapshot_id,
        "foreign_snapshots_on_top": known.foreign,
        "settled": all(each.settled for each in found),
        "partitions": [_standing_json(each) for each in found],
    }
    emit(output, result, _standing_text(known, found))


@app.command()
def adopt(
    name: TableArgument,
    reason: Annotated[str, typer.Option(help="Why; kept in the table for ever.")],
    start: Annotated[
        list[str],
        typer.Option(
            "--from",
            metavar="N|P=N",
            help="Where consumption goes on; P=N for partition P, may be repeated.",
        ),
    ],
    partition: Annotated[
        int | None, typer.Option(min=0, help="The partition that --from N is about.")
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Needed when several topics land in the table.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """State where a table goes on after its log was replaced, truncated, or its positions lost.

    Writes a snapshot without rows. What was counted so far stays in the ledger as a closed
    stretch. stream_writer looks again every few seconds and goes on by itself.
    """
    from shared.cli.operator import actor
    from shared.lake import adoption
    from shared.lake.announcements import table_committed
    from shared.lake.reader import LakeReader, reachable
    from shared.lake.recorded import recorded
    from shared.lake.table_state import TableState
    from shared.runtime.errors import Refused
    from shared.runtime.log_bounds import log_bounds
    from shared.runtime.settings import Settings

    settings = Settings.load()
    spec = _landing(name)
    stated = {(_topic(spec, topic), p): at for p, at in statements(start, partition).items()}
    bounds = asyncio.run(log_bounds(settings, spec.topics))
    require_held(stated, bounds)
    lake = LakeReader(settings)
    known = recorded(TableState.of(lake.table(name).metadata))
    effects = {key: effect(key, at, known) for key, at in stated.items()}
    if output is Format.TEXT:
        console(stderr=True).print(change_text(name, known, stated, bounds, effects))
    if not confirmed(f"write this to {name}?", yes):
        raise Refused("nothing was written", "repeat the command with --yes")
    progress("committing", table=name)
    handle = lake.handle(name)
    with reachable(settings):
        outcome = adoption.adopt(handle, stated, reason=reason, actor=actor(), every=set(bounds))
    if outcome.snapshot is None:
        raise Refused(f"{name} needed no commit", "look at `bergline offsets show`")
    event = table_committed(name, outcome.state, outcome.snapshot)
    result = {
        "table": name,
        "snapshot_id": event.snapshot_id,
        "sequence_number": event.sequence_number,
        "commit_id": event.commit_id,
        "committed_at": event.committed_at.isoformat(),
        "reason": reason,
        "adopted": [
            {"topic": t, "partition": p, "from": at, "effect": effects[t, p]}
            for (t, p), at in sorted(stated.items())
        ],
    }
    emit(
        output,
        result,
        f"snapshot {event.snapshot_id} written to {name} (commit {event.commit_id}); "
        "stream_writer goes on within seconds",
    )


def _landing(name: str) -> TableSpec:
    from shared.lake.reader import table_spec
    from shared.runtime.errors import NotFound

    spec = table_spec(name)
    if not spec.topics:
        raise NotFound(
            f"no topic lands in {name}",
            f"`bergline tables show {name}` shows what it is built from and how far",
        )
    return spec


def _topic(spec: TableSpec, topic: str | None) -> str:
    from shared.runtime.errors import ConfigurationError

    if topic is None and len(spec.topics) == 1:
        return spec.topics[0]
    if topic is None or topic not in spec.topics:
        raise ConfigurationError(
            f"--topic: {', '.join(spec.topics)} land in {spec.name}, not {topic}",
            "name one of them",
        )
    return topic


def _standing_json(each: PartitionStanding) -> dict[str, Any]:
    position = each.position
    return {
        "topic": each.topic,
        "partition": each.partition,
        "recorded": None if position is None else position.next,
        "tail": asdict(position.tail) if position is not None and position.tail else None,
        "stretches": [asdict(s) for s in position.stretches] if position is not None else [],
        "log_start": None if each.bounds is None else each.bounds.start,
        "log_end": None if each.bounds is None else each.bounds.end,
        "lag": each.lag,
        "settled": each.settled,
        "verdict": each.verdict,
    }


def _standing_text(known: Recorded, found: list[PartitionStanding]) -> Any:
    rows = []
    for each in found:
        position, log = each.position, each.bounds
        tail = position.tail if position is not None else None
        rows.append(
            (
                each.topic,
                each.partition,
                NOTHING if position is None else position.next,
                NOTHING if log is None else log.start,
                NOTHING if log is None else log.end,
                count(each.lag),
                cell(tail.delivery_id if tail else None),
                cell(each.verdict) if each.settled else f"[red]{cell(each.verdict)}[/]",
            )
        )
    columns = (
        *("topic", ">partition", ">recorded", ">log start", ">log end", ">lag"),
        *("tail: delivery", "verdict"),
    )
    stretches = [
        (each.topic, each.partition, s.first, s.next, s.rows, s.gaps, s.errors, cell(s.reason))
        for each in found
        if each.position is not None
        for s in each.position.stretches
    ]
    ledger = table(
        ("topic", ">partition", ">first", ">next", ">rows", ">gaps", ">errors", "begun because"),
        stretches,
        title="stretches",
    )
    where = "positions lost" if known.positions is None else f"of snapshot {known.snapshot_id}"
    if known.foreign and known.positions is not None:
        where += f", below {known.foreign} snapshots of other engines"
    return stacked(table(columns, rows, title=where), *(["", ledger] if stretches else []))
