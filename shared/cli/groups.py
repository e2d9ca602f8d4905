"""``bergline groups``: consumer groups beside what the tables themselves have recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, table
from shared.cli.words import NOTHING, count, stacked

if TYPE_CHECKING:
    from shared.runtime.consumer_groups import GroupState
    from shared.runtime.log_bounds import LogBounds, PartitionKey
    from shared.runtime.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True)

LANDING_GROUP = "stream_writer"


@app.command("list")
def list_groups(output: Output = Format.TEXT) -> None:
    """Show every consumer group of this environment: state, members, partitions, lag."""
    from shared.runtime.consumer_groups import groups
    from shared.runtime.log_bounds import log_bounds
    from shared.runtime.settings import Settings

    async def ask() -> list[dict[str, Any]]:
        settings = Settings.load()
        found = await groups(settings)
        topics = {topic for group in found for topic, _ in group.partitions}
        bounds = await log_bounds(settings, topics)
        return [_summary(group, bounds) for group in found]

    summaries = asyncio.run(ask())
    emit(
        output,
        {"groups": summaries},
        table(
            ("group", "state", ">members", ">partitions", ">lag"),
            [tuple(summary.values()) for summary in summaries],
        ),
    )


def _summary(group: GroupState, bounds: Mapping[PartitionKey, LogBounds]) -> dict[str, Any]:
    lags = [
        bounds[key].end - group.committed.get(key, bounds[key].start)
        for key in group.partitions
        if key in bounds
    ]
    return {
        "group": group.group,
        "state": group.state,
        "members": len(group.members),
        "partitions": len(group.partitions),
        "lag": sum(lags),
    }


@app.command()
def describe(
    group: Annotated[str, typer.Argument(help="Group, for example stream_writer.")],
    output: Output = Format.TEXT,
) -> None:
    """Show members and, per partition, log, committed offset and the table's recorded offset.

    The table decides what is consumed; the committed offset is for figures only and may stand
    behind. For stream_writer every landing topic is shown.
    """
    from shared.runtime.consumer_groups import describe as ask
    from shared.runtime.settings import Settings

    settings = Settings.load()
    state = asyncio.run(ask(settings, group))
    recorded = _recorded(settings) if group == LANDING_GROUP else {}
    lines = asyncio.run(_lines(settings, state, recorded))
    emit(output, _as_json(state, lines), _as_text(state, lines))


@dataclass(frozen=True, slots=True)
class _Line:
    topic: str
    partition: int
    member: str | None
    log: LogBounds | None
    committed: int | None
    table: str | None
    recorded: int | None
    positions_lost: bool

    def lag(self, position: int | None) -> int | None:
        """Offsets between a position and the log's end; all of the log when there is none."""
        if self.log is None:
            return None
        return self.log.end - (self.log.start if position is None else position)


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    lost: bool
    next: Mapping[PartitionKey, int]


def _recorded(settings: Settings) -> dict[str, _Table]:
    """What the landing tables have recorded, by topic."""
    from shared.lake.reader import LakeReader
    from shared.lake.recorded import recorded
    from shared.lake.table_state import TableState
    from shared.tables.registry import landing_tables

    found: dict[str, _Table] = {}
    tables = LakeReader(settings).tables(spec.name for spec in landing_tables())
    for spec in landing_tables():
        loaded = tables[spec.name]
        positions = None if loaded is None else recorded(TableState.of(loaded.metadata)).positions
        known = {} if positions is None else positions.partitions
        entry = _Table(
            spec.name,
            lost=loaded is not None and positions is None,
            next={key: position.next for key, position in known.items()},
        )
        found.update(dict.fromkeys(spec.topics, entry))
    return found


async def _lines(
    settings: Settings, state: GroupState, recorded: Mapping[str, _Table]
) -> list[_Line]:
    from shared.runtime.log_bounds import log_bounds

    owners = {key: member.member_id for member in state.members for key in member.partitions}
    topics = {topic for topic, _ in (*state.committed, *owners)} | set(recorded)
    bounds = await log_bounds(settings, topics)
    keys = set(bounds) | set(state.committed) | set(owners)
    lines = []
    for key in sorted(keys):
        of_table = recorded.get(key[0])
        lines.append(
            _Line(
                topic=key[0],
                partition=key[1],
                member=owners.get(key),
                log=bounds.get(key),
                committed=state.committed.get(key),
                table=None if of_table is None else of_table.name,
                recorded=None if of_table is None else of_table.next.get(key),
                positions_lost=of_table is not None and of_table.lost,
            )
        )
    return lines


def _as_json(state: GroupState, lines: list[_Line]) -> dict[str, Any]:
    return {
        "group": state.group,
        "state": state.state,
        "protocol": state.protocol,
        "members": [
            {
                "member_id": member.member_id,
                "client_id": member.client_id,
                "host": member.host,
                "partitions": [{"topic": topic, "partition": p} for topic, p in member.partitions],
            }
            for member in state.members
        ],
        "partitions": [
            {
                "topic": line.topic,
                "partition": line.partition,
                "member_id": line.member,
                "log_start": None if line.log is None else line.log.start,
                "log_end": None if line.log is None else line.log.end,
                "committed": line.committed,
                "committed_lag": line.lag(line.committed),
                "table": line.table,
                "recorded": line.recorded,
                "recorded_lag": line.lag(line.recorded) if line.table else None,
                "positions_lost": line.positions_lost,
            }
            for line in lines
        ],
    }


def _as_text(state: GroupState, lines: list[_Line]) -> Any:
    numbers = {member.member_id: n for n, member in enumerate(state.members, 1)}
    members = table(
        (">", "member", "client", "host", ">partitions"),
        [
            (numbers[m.member_id], m.member_id, m.client_id, m.host, len(m.partitions))
            for m in state.members
        ],
    )
    partitions = table(
        (
            *("topic", ">partition", ">member", ">log start", ">log end"),
            *(">committed", ">lag", ">recorded in table", ">lag", "table"),
        ),
        [
            (
                line.topic,
                line.partition,
                NOTHING if line.member is None else numbers[line.member],
                NOTHING if line.log is None else line.log.start,
                NOTHING if line.log is None else line.log.end,
                count(line.committed),
                count(line.lag(line.committed)),
                "[red]lost[/]" if line.positions_lost else count(line.recorded),
                count(line.lag(line.recorded)) if line.table else NOTHING,
                line.table or NOTHING,
            )
            for line in lines
        ],
    )
    title = f"group {state.group}: {state.state}, {len(state.members)} members"
    return stacked(title, *([members, ""] if state.members else []), partitions)
