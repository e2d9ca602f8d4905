"""``bergline counts``: do the books balance? Ledger, rows counted independently, log ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import landing_table
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, stacked

if TYPE_CHECKING:
    from shared.lake.balance import PartitionBalance, TableBalance
    from shared.runtime.log_bounds import LogBounds, PartitionKey
    from shared.runtime.settings import Settings
    from shared.tables.spec import TableSpec

app = typer.Typer(add_completion=False)

Ends = Mapping["PartitionKey", "LogBounds"]


@app.command()
def counts(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]", help="One landing table; default all.", autocompletion=landing_table
        ),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Prove per table and partition that every offset is a row or a stated gap.

    balanced: offsets advanced = rows + gaps in every stretch of the ledger, and the rows counted
    in the data files of the same snapshot are as many. A record that announced a file is neither
    but one of files, and loaded are the rows that they brought: they are counted, too. Ends with
    exit code 6 when not.
    """
    from shared.lake.balance import balance
    from shared.lake.reader import LakeReader, table_spec
    from shared.runtime.errors import CheckFailed
    from shared.runtime.settings import Settings
    from shared.tables.registry import landing_tables

    settings = Settings.load()
    specs = landing_tables() if name is None else (_landing(table_spec(name)),)
    lake = LakeReader(settings)
    found = []
    for spec in specs:
        progress("counting", table=spec.name)
        found.append(balance(lake, spec.name))
    ends = asyncio.run(_log_ends(settings, (topic for spec in specs for topic in spec.topics)))
    balanced = all(each.balanced for each in found)
    emit(
        output,
        {"balanced": balanced, "tables": [_table_json(each, ends) for each in found]},
        _as_text(found, ends),
    )
    if balanced:
        return
    if output is Format.JSON:
        raise typer.Exit(CheckFailed.exit_code)
    wrong = ", ".join(each.table for each in found if not each.balanced)
    raise CheckFailed(
        f"not balanced: {wrong}",
        "look at `bergline tables history TABLE`: did another engine delete or add rows?",
    )


def _landing(spec: TableSpec) -> TableSpec:
    """The table, if topics land in it.

    Raises:
        NotFound: none does.
    """
    from shared.runtime.errors import NotFound

    if not spec.topics:
        raise NotFound(
            f"no topic lands in {spec.name}: there are no offsets to count",
            f"`bergline verify {spec.name}` compares it with what it is built from",
        )
    return spec


async def _log_ends(settings: Settings, topics: Iterable[str]) -> Ends:
    """Log bounds; empty when the broker is away: the balance does not depend on it."""
    from shared.runtime.errors import Unavailable
    from shared.runtime.log_bounds import log_bounds

    try:
        return await log_bounds(settings, topics)
    except Unavailable as error:
        progress("log ends not known", reason=error.what)
        return {}


def _table_json(each: TableBalance, ends: Ends) -> dict[str, Any]:
    return {
        "table": each.table,
        "snapshot_id": each.snapshot_id,
        "positions_lost": each.lost,
        "balanced": each.balanced,
        "partitions": [_partition_json(partition, ends) for partition in each.partitions],
    }


def _partition_json(each: PartitionBalance, ends: Ends) -> dict[str, Any]:
    log = ends.get((each.topic, each.partition))
    return {
        "topic": each.topic,
        "partition": each.partition,
        "stretches": [asdict(stretch) for stretch in each.stretches],
        "counted": asdict(each.counted),
        "next": each.next,
        "log_end": None if log is None else log.end,
        "balanced": each.balanced,
        "findings": list(each.findings),
    }


def _as_text(found: list[TableBalance], ends: Ends) -> Any:
    columns = (
        *("table", "topic", ">partition", ">first", ">next", ">rows", ">gaps", ">files", ">loaded"),
        *(">errors", ">counted", ">replayed", ">log end", "balanced"),
    )
    rows: list[tuple[object, ...]] = []
    for each in found:
        if each.lost:
            rows.append((each.table, *("",) * 12, "[red]positions lost[/]"))
        for partition in each.partitions:
            rows += _partition_rows(each.table, partition, ends)
    findings = [
        cell(f"{partition.topic}/{partition.partition} in {each.table}: {finding}")
        for each in found
        for partition in each.partitions
        for finding in partition.findings
    ]
    total = sum(partition.counted.rows for each in found for partition in each.partitions)
    return stacked(table(columns, rows), *findings, f"{count(total)} rows counted")


def _partition_rows(name: str, each: PartitionBalance, ends: Ends) -> list[tuple[object, ...]]:
    """A line per stretch; the count stands beside the last one."""
    log = ends.get((each.topic, each.partition))
    verdict = "[green]yes[/]" if each.balanced else "[red]no[/]"
    tail = (
        count(each.counted.rows),
        count(each.counted.replayed),
        count(each.counted.from_dead_letters),
        NOTHING if log is None else log.end,
        verdict,
    )
    if not each.stretches:
        return [(name, each.topic, each.partition, *(NOTHING,) * 7, *tail)]
    lines: list[tuple[object, ...]] = []
    for number, s in enumerate(each.stretches, 1):
        last = number == len(each.stretches)
        files = (count(s.files), count(s.loaded)) if s.files else ("", "")
        facts = (s.first, s.next, count(s.rows), count(s.gaps), *files, count(s.errors))
        lines.append(
            (name, each.topic, each.partition, *facts, *(tail if last else ("",) * len(tail)))
        )
    return lines
