"""``bergline freshness``: how far every table is behind its topics, and since when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import any_table
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, age, count, moment, stacked

if TYPE_CHECKING:
    from shared.lake.freshness import TableFreshness
    from shared.lake.positions import PartitionKey
    from shared.lake.reader import LakeReader
    from shared.runtime.log_bounds import LogBounds
    from shared.runtime.settings import Settings
    from shared.tables.spec import TableSpec

app = typer.Typer(add_completion=False)


@app.command()
def freshness(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[TABLE]", help="One table; default all.", autocompletion=any_table),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Show for every table how many offsets of its topics it does not hold yet.

    behind raw: landed in a raw table, and not in this one. behind log: in the topic, and not in
    this one. waiting since: when the oldest of those that have landed was received. A table is
    complete up to an offset when everything before it has reached it, through all that it is
    built from.
    """
    from shared.cli.chosen import declared
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings
    from shared.tables.lineage import in_order
    from shared.tables.registry import TABLES

    settings = Settings.load()
    names = in_order(TABLES) if name is None else (declared(name, TABLES).name,)
    lake = LakeReader(settings)
    found = measured(lake, [TABLES[each] for each in names], TABLES, _logs)
    now = datetime.now(UTC)
    emit(
        output,
        {"measured_at": now.isoformat(), "tables": [as_json(each, now) for each in found]},
        _as_text(found, now, detailed=name is not None),
    )


def measured(
    lake: LakeReader,
    specs: Iterable[TableSpec],
    tables: Mapping[str, TableSpec],
    logs: Any,
) -> list[TableFreshness]:
    """The freshness of tables, looked at from the end of the way to its beginning.

    In this order nothing can be ahead of what it comes from: derived tables first, then landing
    tables, then ``logs(settings, topics)``.
    """
    from shared.lake.freshness import freshness, oldest_missing, topics_of
    from shared.lake.recorded import recorded
    from shared.lake.table_state import TableState

    specs = list(specs)
    topics = {topic for spec in specs for topic in topics_of(spec, tables)}
    landing = [spec for spec in tables.values() if topics & set(spec.topics)]
    progress("loading tables")
    loaded = lake.tables([spec.name for spec in reversed(specs) if spec.derived is not None])
    loaded |= lake.tables([spec.name for spec in (*landing, *specs) if spec.name not in loaded])
    states = {
        name: None if found is None else TableState.of(found.metadata)
        for name, found in loaded.items()
    }
    landed: dict[PartitionKey, int] = {}
    for spec in landing:
        state = states[spec.name]
        positions = None if state is None else recorded(state).positions
        if positions is not None:
            landed |= {key: position.next for key, position in positions.partitions.items()}
    ends = logs(lake.settings, topics)
    found = [freshness(spec, states[spec.name], landed, ends, tables) for spec in specs]
    return [
        replace(each, oldest_missing=oldest_missing(lake, each, landing))
        if each.exists and each.behind_landing
        else each
        for each in found
    ]


def _logs(settings: Settings, topics: Iterable[str]) -> Mapping[PartitionKey, LogBounds]:
    """Log bounds; empty when the broker is away: how far behind raw does not depend on it."""
    from shared.runtime.errors import Unavailable
    from shared.runtime.log_bounds import log_bounds

    try:
        return asyncio.run(log_bounds(settings, topics))
    except Unavailable as error:
        progress("log ends not known", reason=error.what)
        return {}


def as_json(each: TableFreshness, now: datetime) -> dict[str, Any]:
    """One table for programs; ages in seconds."""
    oldest = each.oldest_missing
    return {
        "table": each.table,
        "exists": each.exists,
        "built": each.built,
        "committed_at": None if each.committed_at is None else each.committed_at.isoformat(),
        "behind_landing": each.behind_landing,
        "behind_log": each.behind_log,
        "oldest_missing": None if oldest is None else oldest.isoformat(),
        "oldest_missing_age_s": None if oldest is None else (now - oldest).total_seconds(),
        "partitions": [
            {
                **asdict(partition),
                "behind_landing": partition.behind_landing,
                "behind_log": partition.behind_log,
            }
            for partition in each.partitions
        ],
    }


def _as_text(found: list[TableFreshness], now: datetime, *, detailed: bool) -> Any:
    columns = ("table", ">behind raw", ">behind log", "waiting since", ">age", "last commit", "")
    parts: list[Any] = [table(columns, [_row(each, now) for each in found])]
    if detailed:
        rows = [
            (
                partition.topic,
                partition.partition,
                partition.complete,
                NOTHING if partition.landed is None else partition.landed,
                NOTHING if partition.log_end is None else partition.log_end,
            )
            for each in found
            for partition in each.partitions
        ]
        headings = ("topic", ">partition", ">complete", ">landed", ">log end")
        parts += ["", table(headings, rows)]
    return stacked(*parts)


def _row(each: TableFreshness, now: datetime) -> tuple[object, ...]:
    if not each.exists:
        return (each.table, *("",) * 5, "[red]missing[/]: run `bergline bootstrap`")
    note = "" if each.built else "nothing recorded yet"
    waiting = each.oldest_missing
    span = None if waiting is None else max(now - waiting, timedelta())
    return (
        each.table,
        count(each.behind_landing),
        count(each.behind_log),
        moment(waiting),
        NOTHING if span is None else age(span),
        moment(each.committed_at),
        note,
    )
