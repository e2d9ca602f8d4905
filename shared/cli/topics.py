"""``bergline topics``: what is on the broker, record by record, and going on after a stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import count, duration, size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.runtime.log_bounds import PartitionKey
    from shared.runtime.settings import Settings
    from shared.runtime.topic_inventory import TopicState

app = typer.Typer(add_completion=False, no_args_is_help=True)

MAX_RECORDS = 1000
MAX_BYTES = 256 * 1024 * 1024


@app.command("list")
def list_topics(output: Output = Format.TEXT) -> None:
    """Show every topic of this environment: partitions, offsets, messages, retention, size."""
    from shared.runtime.settings import Settings
    from shared.runtime.topic_inventory import topic_states

    states = asyncio.run(topic_states(Settings.load()))
    emit(
        output,
        {"topics": [_state_json(state) for state in states]},
        table(
            ("topic", ">partitions", "start–end", ">messages", "retention", ">size", ""),
            [_state_row(state) for state in states],
        ),
    )


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="Logical topic, for example shopify.orders.")],
    number: Annotated[
        int, typer.Option("-n", "--number", min=0, max=MAX_RECORDS, help="Records to show.")
    ] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new records until Ctrl-C.")
    ] = False,
    partition: Annotated[int | None, typer.Option(min=0, help="Of this partition only.")] = None,
    start: Annotated[
        int | None,
        typer.Option("--from", min=0, help="From this offset on; needs --partition."),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Show records with their envelope and value, by default the last ten.

    With --output json one JSON line per record; the value is JSON, otherwise text, otherwise
    base64, as value_encoding says.
    """
    from shared.cli.records import as_line, as_text
    from shared.runtime.errors import ConfigurationError
    from shared.runtime.settings import Settings

    if start is not None and partition is None:
        raise ConfigurationError("--from needs --partition: offsets count within a partition")
    settings = Settings.load()
    show = as_line if output is Format.JSON else as_text

    async def run() -> None:
        records = _records(settings, topic, number, follow, partition, start)
        async with contextlib.aclosing(records):
            async for record in records:
                print(show(record, settings.environment.logical_topic(record.topic)), flush=True)

    asyncio.run(run())


@app.command()
def resume(
    topic: Annotated[str, typer.Argument(help="Logical topic whose table has stopped.")],
    output: Output = Format.TEXT,
) -> None:
    """Let a table go on that stopped because too many records were bad.

    Sends a signed command; the records that cannot be parsed land as rows with _error.
    """
    from shared.cli.operator import actor
    from shared.runtime.commanding import issue
    from shared.runtime.errors import NotFound
    from shared.runtime.settings import Settings
    from shared.tables.registry import landing_tables, table_of_topic

    try:
        target = table_of_topic(topic)
    except KeyError:
        topics = sorted(name for spec in landing_tables() for name in spec.topics)
        raise NotFound(
            f"no table is filled from a topic {topic!r}", f"topics are: {', '.join(topics)}"
        ) from None
    command = asyncio.run(
        issue(
            Settings.load(),
            service="stream_writer",
            action="resume_topic",
            target=topic,
            actor=actor(),
        )
    )
    sent = command.model_dump(mode="json", exclude={"signature"})
    emit(
        output,
        {"sent": sent, "table": target.name},
        f"command {command.command_id} sent: {command.service} goes on with {topic} "
        f"({target.name}), asked by {command.actor}",
    )


async def _records(
    settings: Settings,
    topic: str,
    number: int,
    follow: bool,
    partition: int | None,
    start: int | None,
) -> AsyncGenerator[Any]:
    from shared.runtime import log_ranges
    from shared.runtime.errors import NotFound, Refused
    from shared.runtime.log_bounds import log_bounds

    bounds = await log_bounds(settings, [topic])
    if partition is not None:
        bounds = {key: found for key, found in bounds.items() if key[1] == partition}
    if not bounds:
        what = topic if partition is None else f"{topic}/{partition}"
        raise NotFound(f"the broker has no {what}", "`bergline topics list` shows what exists")
    if start is not None:
        [(key, found)] = bounds.items()
        _require_held(key, start, found)
        ranges = {key: (start, min(start + number, found.end))}
    else:
        ranges = {
            key: (max(found.start, found.end - number), found.end) for key, found in bounds.items()
        }
    past, held = [], 0
    async with contextlib.aclosing(log_ranges.read_range(settings, ranges)) as records:
        async for record in records:
            past.append(record)
            held += len(record.value or b"")
            if held > MAX_BYTES:
                raise Refused(
                    f"these records are larger than {size(MAX_BYTES)}", "use a smaller -n"
                )
    past.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    for record in past[-number:] if number else ():
        yield record
    if follow:
        progress("following, Ctrl-C ends", topic=topic)
        starts = {key: end for key, (_, end) in ranges.items()}
        async with contextlib.aclosing(log_ranges.follow(settings, starts)) as records:
            async for record in records:
                yield record


def _require_held(key: PartitionKey, start: int, bounds: Any) -> None:
    from shared.runtime.errors import NotFound

    if not bounds.start <= start <= bounds.end:
        raise NotFound(
            f"{key[0]}/{key[1]} holds offsets [{bounds.start}, {bounds.end}), not {start}",
            f"use --from {bounds.start} for the oldest",
        )


def _state_row(state: TopicState) -> tuple[object, ...]:
    if not state.exists:
        return (state.topic, "", "", "", "", "", "[red]missing[/]: run `bergline bootstrap`")
    spans = " ".join(
        f"{number}:{bounds.start}–{bounds.end}" for number, bounds in sorted(state.bounds.items())
    )
    kept = "compacted" if state.cleanup == "compact" else duration(state.retention_ms)
    return (
        state.topic,
        len(state.bounds),
        spans,
        count(state.held),
        kept,
        size(state.size_bytes),
        "",
    )


def _state_json(state: TopicState) -> dict[str, Any]:
    return {
        "topic": state.topic,
        "exists": state.exists,
        "partitions": [
            {"partition": number, "start": bounds.start, "end": bounds.end, "messages": bounds.held}
            for number, bounds in sorted(state.bounds.items())
        ],
        "messages": state.held if state.exists else None,
        "cleanup": state.cleanup,
        "retention_ms": state.retention_ms,
        "size_bytes": state.size_bytes,
    }
