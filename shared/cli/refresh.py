"""``bergline refresh``: build derived tables anew from all of their inputs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import target as offered
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.contracts.builds import BuildFailed, BuildSucceeded
    from shared.contracts.commands import CommandIssued
    from shared.runtime.log_bounds import PartitionKey
    from shared.runtime.refreshing import Refresh
    from shared.runtime.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def refresh(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|LAYER|all",
            help="core.orders, marts, or all.",
            autocompletion=offered,
        ),
    ],
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="First day to compute; alone: to the end."),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", help="Last day to compute; alone: from the start."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with the command.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every table was built or has failed.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, help="Longest time to wait, in seconds.")
    ] = 3600.0,
    output: Output = Format.TEXT,
) -> None:
    """Have derived tables, or some days of them, computed anew from their inputs.

    Sends a signed command to transformer. Without dates the whole table is computed, beside the
    table as it is. With them only rows of these days are, both included, in the table itself, and
    all others stay as they are; a table that has to be built in full anyway is. Either way readers
    see the old state until the new one is whole, only rows that differ are written, and what is
    built from a refreshed table follows by itself. With --wait, ends with exit code 6 when a build
    failed for good, and with 3 when time ran out.

    Example: bergline refresh core.orders --from 2026-01-01 --to 2026-01-31 --wait
    """
    from shared.cli.chosen import targets
    from shared.cli.operator import actor
    from shared.cli.spans import days as between
    from shared.contracts.commands import RefreshArguments
    from shared.runtime.refreshing import Refresh
    from shared.runtime.settings import Settings
    from shared.tables.registry import TABLES

    settings = Settings.load()
    days = between(first, last)
    names = tuple(spec.name for spec in targets(target, TABLES, days))
    asked = RefreshArguments(
        reason=reason,
        first_day=None if days is None else days.first,
        last_day=None if days is None else days.last,
    )

    async def run() -> tuple[CommandIssued, Refresh | None]:
        from shared.contracts.topics import BUILDS
        from shared.runtime.commanding import issue
        from shared.runtime.event_log import ends

        # Where to listen is found out first, or a fast build could end unheard.
        begins = await ends(settings, BUILDS) if wait else {}
        command = await issue(
            settings,
            service="transformer",
            action="refresh",
            target=target,
            actor=actor(),
            arguments=asked.to_arguments(),
        )
        progress("sent", command=command.command_id, tables=len(names))
        if not wait:
            return command, None
        followed = Refresh(command.command_id, names, command.issued_at, days)
        await _follow(settings, followed, begins, timeout)
        return command, followed

    command, followed = asyncio.run(run())
    emit(output, as_json(command, names, followed), _as_text(command, names, followed))
    if followed is not None:
        _end(followed, timeout, output)


async def _follow(
    settings: Settings, followed: Refresh, begins: Mapping[PartitionKey, int], seconds: float
) -> None:
    """Take events until every target has ended or time runs out."""
    from shared.cli.wave_words import told_by
    from shared.runtime.event_log import follow_events

    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(seconds),
            contextlib.aclosing(follow_events(settings, begins)) as events,
        ):
            async for event in events:
                told = followed.take(event)
                if told is not None:
                    progress(f"{told.target}: {told_by(told)}")
                if not followed.waiting:
                    return


def _end(followed: Refresh, timeout: float, output: Format) -> None:
    from shared.runtime.errors import BerglineError, CheckFailed, Unavailable

    error: BerglineError | None = None
    if followed.failed:
        told = "; ".join(f"{e.target}: {e.error_type}: {e.error}" for e in followed.failed)
        error = CheckFailed(
            f"not built: {told}",
            f"`bergline runs logs refresh/{followed.command_id}` shows everything; "
            "the tables keep their last good state",
        )
    elif followed.waiting:
        error = Unavailable(
            f"not built within {timeout:g} s: {', '.join(followed.waiting)}",
            f"building goes on: see `bergline runs show refresh/{followed.command_id}`. If nothing "
            "has begun: `bergline status` whether transformer runs, and `bergline logs "
            "transformer` whether it ignored the command, as with another BERGLINE_OPERATOR_KEY",
        )
    if error is not None and output is Format.JSON:
        raise typer.Exit(error.exit_code)
    if error is not None:
        raise error


def as_json(
    command: CommandIssued, names: tuple[str, ...], followed: Refresh | None
) -> dict[str, Any]:
    """The command as it was sent, and what became of each target when it was waited for."""
    body: dict[str, Any] = {
        "sent": command.model_dump(mode="json", exclude={"signature"}),
        "tables": list(names),
    }
    if followed is None:
        return body
    return {
        **body,
        "built": [name for name in names if _outcome(followed, name) == "built"],
        "failed": [each.target for each in followed.failed],
        "waiting": list(followed.waiting),
        "builds": [each.model_dump(mode="json") for each in followed.ended.values()],
    }


def _as_text(command: CommandIssued, names: tuple[str, ...], followed: Refresh | None) -> Any:
    wave = f"refresh/{command.command_id}"
    if followed is None:
        from shared.contracts.commands import RefreshArguments

        days = RefreshArguments.of(command).days
        what = "" if days is None else f"{days} of "
        return (
            f"command {command.command_id} sent, asked by {cell(command.actor)}: transformer "
            f"builds {what}{cell(', '.join(names))}; `bergline runs show {wave}` shows how far it "
            "is"
        )
    rows = [_row(name, followed.ended.get(name)) for name in names]
    return stacked(table(("table", "outcome", ">rows +", ">rows −", ">took", "snapshot"), rows))


def _row(name: str, ended: BuildSucceeded | BuildFailed | None) -> tuple[object, ...]:
    from shared.contracts.builds import BuildSucceeded

    if ended is None:
        return (name, "[yellow]waiting[/]", *(NOTHING,) * 4)
    took = f"{ended.seconds:.2f} s"
    if not isinstance(ended, BuildSucceeded):
        return (name, f"[red]failed[/]: {cell(ended.error_type)}", NOTHING, NOTHING, took, NOTHING)
    moved = (count(ended.rows_added), count(ended.rows_removed), took)
    return (name, f"[green]built[/] {ended.mode}", *moved, ended.snapshot_id or "unchanged")


def _outcome(followed: Refresh, name: str) -> str:
    from shared.contracts.builds import BuildSucceeded

    ended = followed.ended.get(name)
    if ended is None:
        return "waiting"
    return "built" if isinstance(ended, BuildSucceeded) else "failed"
