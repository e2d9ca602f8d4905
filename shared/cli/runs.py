"""``bergline runs``: waves of builds, from a landing commit until every table holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import derived_table
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, latency, moment, size, stacked

if TYPE_CHECKING:
    from shared.contracts.event import Event
    from shared.runtime.settings import Settings
    from shared.runtime.waves import Build, Outcome, Wave

app = typer.Typer(add_completion=False, no_args_is_help=True)

WaveArgument = Annotated[
    str,
    typer.Argument(metavar="WAVE", help="As `runs list` shows it: raw.shopify_orders/17."),
]
Since = Annotated[str, typer.Option(help="How far back to look: 90s, 15m, 2h, 7d.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="Show at most so many.")]


@app.command("list")
def list_runs(
    since: Since = "1h",
    limit: Limit = 20,
    target: Annotated[
        str | None,
        typer.Option(
            "--table",
            help="Only waves in which this table was built.",
            autocompletion=derived_table,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that builds of other waves took along.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Show waves, newest first: when, how long, what was built, how it ended.

    A wave is one commit of a landing table on its way through everything that is built from it. It
    ends when the last of these tables holds it. Refreshes are waves, too.
    """
    from shared.cli.chosen import declared
    from shared.tables.registry import TABLES

    if target is not None:
        declared(target, TABLES)
    found = _waves(since)
    shown = [
        wave
        for wave in reversed(found)
        if (everything or not wave.taken_along) and (target is None or target in wave.targets)
    ]
    along = sum(wave.taken_along for wave in found)
    result = {
        "since": since,
        "waves": [wave_json(wave) for wave in shown[:limit]],
        "found": len(shown),
        "taken_along": along,
    }
    columns = (
        *("wave", "begun", ">duration", "outcome", ">builds", ">rows +", ">rows −"),
        *("built", "not yet in"),
    )
    text = stacked(
        table(columns, [_wave_row(wave) for wave in shown[:limit]]),
        f"{len(shown[:limit])} of {len(shown)} waves; {along} without builds of their own (--all)",
    )
    emit(output, result, text)


@app.command()
def show(wave: WaveArgument, since: Since = "7d", output: Output = Format.TEXT) -> None:
    """Show one wave: every build of it, and when each derived table held it."""
    found = _found(wave, since)
    columns = (
        *("table", "begun", ">took", "outcome", "mode", ">attempt", ">rows read", ">rows +"),
        *(">rows −", ">written", "why"),
    )
    parts: list[Any] = [
        f"{cell(found.wave)}: {_coloured(found.outcome)}, begun {moment(found.started_at)}, "
        f"took {_took(found.duration)}",
        "",
        table(columns, [_build_row(build) for build in found.builds], title="builds"),
    ]
    if found.held or found.missing:
        rows = [
            (name, moment(at), latency(at - found.started_at))
            for name, at in sorted(found.held.items(), key=lambda item: item[1])
        ]
        rows += [(name, "[yellow]not yet[/]", NOTHING) for name in found.missing]
        parts += ["", table(("table", "held it at", ">after"), rows, title="on its way")]
    emit(output, wave_json(found), stacked(*parts))


@app.command()
def logs(
    wave: WaveArgument, since: Since = "7d", limit: Limit = 1000, output: Output = Format.TEXT
) -> None:
    """Show everything that was told of one wave, in order of time: a line an event."""
    from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
    from shared.runtime.errors import NotFound

    _, builds = asyncio.run(_read(_settings(), _begin(since)))
    told = [
        event
        for event in builds
        if isinstance(event, BuildStarted | BuildSucceeded | BuildFailed) and event.wave == wave
    ]
    once = {event.event_id(): event for event in told}
    lines = sorted(once.values(), key=lambda event: (event.event_time(), event.event_id()))
    if not lines:
        raise NotFound(
            f"no build of wave {wave} since {since}",
            "look further back with --since, or see `bergline runs list --all`",
        )
    shown = lines[-limit:]
    body = {
        "wave": wave,
        "events": [{"type": each.type, **each.model_dump(mode="json")} for each in shown],
        "found": len(lines),
    }
    text = stacked(
        *(cell(f"{moment(each.event_time())} {each.target}: {told_by(each)}") for each in shown)
    )
    emit(output, body, text)


def told_by(event: Event) -> str:
    """An event of a build as a sentence."""
    from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
    from shared.contracts.days import Days

    match event:
        case BuildStarted():
            days = Days.between(event.first_day, event.last_day)
            kind = "full build" if event.full else f"build of {days}" if days else "build"
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            why = f": {event.reason}" if event.reason else ""
            return f"{kind} began{again} on {event.worker or 'a worker'}{why}"
        case BuildSucceeded(to_be_rebuilt=True):
            return event.reason
        case BuildSucceeded(mode="nothing"):
            return f"held everything already, looked for {event.seconds:.2f} s"
        case BuildSucceeded():
            why = f" ({event.reason})" if event.reason else ""
            return (
                f"built {event.mode}{why} in {event.seconds:.2f} s: {count(event.rows_read)} rows "
                f"read, {count(event.rows_added)} added, {count(event.rows_removed)} removed, "
                f"snapshot {event.snapshot_id or 'unchanged'}"
            )
        case BuildFailed():
            again = (
                f", again at {moment(event.next_attempt_at)}"
                if event.will_retry and event.next_attempt_at
                else ", again soon"
                if event.will_retry
                else ", not tried again until the next commit or a longer pause"
            )
            return f"failed after {event.seconds:.2f} s{again}: {event.error_type}: {event.error}"
    return event.type


def wave_json(wave: Wave) -> dict[str, Any]:
    """One wave for programs; durations in seconds."""
    from pydantic import TypeAdapter

    from shared.runtime.waves import Wave

    body: dict[str, Any] = TypeAdapter(Wave).dump_python(wave, mode="json")
    for each, build in zip(body["builds"], wave.builds, strict=True):
        each["seconds"] = _seconds(build.duration)
    return {
        **body,
        "seconds": _seconds(wave.duration),
        "targets": list(wave.targets),
        "taken_along": wave.taken_along,
    }


def _settings() -> Settings:
    from shared.runtime.settings import Settings

    return Settings.load()


def _begin(since: str) -> datetime:
    from shared.cli.spans import span

    return datetime.now(UTC) - span(since)


def _waves(since: str) -> list[Wave]:
    from shared.contracts.tables import TableCommitted
    from shared.runtime.waves import builds_of, waves
    from shared.tables.registry import TABLES

    commits, builds = asyncio.run(_read(_settings(), _begin(since)))
    return waves(
        (event for event in commits if isinstance(event, TableCommitted)), builds_of(builds), TABLES
    )


def _found(wave: str, since: str) -> Wave:
    from shared.runtime.errors import NotFound

    for each in _waves(since):
        if each.wave == wave:
            return each
    raise NotFound(
        f"no wave {wave} since {since}",
        "look further back with --since, or see `bergline runs list --all`",
    )


async def _read(settings: Settings, since: datetime) -> tuple[list[Event], list[Event]]:
    """Commits and builds, in this order: a build read is never younger than its commit."""
    from shared.contracts.topics import BUILDS, COMMITS
    from shared.runtime.event_log import read_events

    def unreadable(place: str) -> None:
        progress("not readable, passed over", record=place)

    builds = await read_events(settings, [BUILDS], since, unreadable=unreadable)
    commits = await read_events(settings, [COMMITS], since, unreadable=unreadable)
    return commits, builds


def _wave_row(wave: Wave) -> tuple[object, ...]:
    return (
        cell(wave.wave),
        moment(wave.started_at),
        _took(wave.duration),
        _coloured(wave.outcome),
        len(wave.builds),
        count(sum(build.rows_added for build in wave.builds)),
        count(sum(build.rows_removed for build in wave.builds)),
        _shortened(wave.targets),
        _shortened(wave.missing),
    )


def _build_row(build: Build) -> tuple[object, ...]:
    return (
        cell(build.target),
        moment(build.started_at),
        _took(build.duration),
        _coloured(build.outcome),
        build.mode or NOTHING,
        build.attempt,
        count(build.rows_read),
        count(build.rows_added),
        count(build.rows_removed),
        size(build.bytes_written),
        cell(build.text),
    )


def _shortened(names: Iterable[str], most: int = 3) -> str:
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return cell(", ".join(known[:most]) + more)


def _coloured(outcome: Outcome) -> str:
    colour = {"done": "green", "failed": "red", "abandoned": "red", "retrying": "yellow"}
    chosen = colour.get(outcome.value)
    return f"[{chosen}]{outcome.value}[/]" if chosen else outcome.value


def _took(span: timedelta | None) -> str:
    return NOTHING if span is None else f"{span.total_seconds():.2f} s"


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
