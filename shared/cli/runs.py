"""``bergline runs``: waves of builds, from a landing commit until every table holds it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import derived_table
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.wave_words import build_row, coloured, told_by, took, wave_json, wave_row
from shared.cli.words import NOTHING, cell, latency, moment, stacked

if TYPE_CHECKING:
    from shared.contracts.event import Event
    from shared.runtime.settings import Settings
    from shared.runtime.wave import Wave

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
        table(columns, [wave_row(wave) for wave in shown[:limit]]),
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
        f"{cell(found.wave)}: {coloured(found.outcome)}, begun {moment(found.started_at)}, "
        f"took {took(found.duration)}",
        "",
        table(columns, [build_row(build) for build in found.builds], title="builds"),
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
