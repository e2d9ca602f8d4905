"""What the commands of maintenance share: a signed command to maintainer, or a dry run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.completing import any_target
from shared.cli.outcomes import as_json, as_text, told_by
from shared.cli.output import Format, emit, progress

if TYPE_CHECKING:
    from shared.contracts.commands import Action, CommandIssued, MaintenanceArguments
    from shared.contracts.maintenance import JobName
    from shared.runtime.log_bounds import PartitionKey
    from shared.runtime.maintaining import Maintaining
    from shared.runtime.settings import Settings

Target = Annotated[
    str,
    typer.Argument(
        metavar="TABLE|LAYER|all",
        help="raw.shopify_orders, marts, or all.",
        autocompletion=any_target,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Only show what would be done, from here; nothing is sent or changed."
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Wait until every table has ended, and tell how; without it, only send."
    ),
]
Timeout = Annotated[float, typer.Option(min=1, help="Longest time to --wait, in seconds.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the command.")]


@dataclass(frozen=True, slots=True)
class How:
    """The options that all of them have."""

    dry_run: bool
    wait: bool
    timeout: float
    output: Format


def carry_out(action: Action, target: str, arguments: MaintenanceArguments, how: How) -> None:
    """Dry run, or send and perhaps wait; prints what came of it and ends the command.

    Raises:
        NotFound: the target means no table.
        CheckFailed: a table failed.
        Unavailable: time ran out, or no maintainer runs that could be waited for.
        ConfigurationError: there is no key to sign with.
    """
    from shared.cli.chosen import any_tables
    from shared.cli.dry_runs import dry_run
    from shared.tables.registry import TABLES

    names = tuple(spec.name for spec in any_tables(target, TABLES))
    jobs: tuple[JobName, ...] = _JOBS[action]
    if arguments.remove_orphans and "orphans" not in jobs:
        jobs = (*jobs, "orphans")
    if how.dry_run:
        dry_run(names, jobs, arguments, how.output)
        return
    command, followed = asyncio.run(send(action, target, names, jobs, arguments, how))
    emit(how.output, as_json(command, names, followed), as_text(command, names, followed))
    if followed is not None:
        end(followed, how)


_JOBS: Mapping[str, tuple[JobName, ...]] = {
    "compact": ("compact",),
    "expire": ("expire",),
    "orphans": ("orphans",),
    "manifests": ("manifests",),
    "restamp": ("restamp",),
}


async def send(
    action: Action,
    target: str,
    names: tuple[str, ...],
    jobs: tuple[JobName, ...],
    arguments: MaintenanceArguments,
    how: How,
) -> tuple[CommandIssued, Maintaining | None]:
    """Send a command, and follow what becomes of it where it is to be waited for.

    Raises:
        Unavailable: the broker does not answer, or no maintainer runs that could be waited for.
        ConfigurationError: there is no key to sign with.
    """
    from shared.cli.operator import actor
    from shared.contracts.topics import MAINTENANCE
    from shared.runtime.commanding import issue
    from shared.runtime.event_log import ends
    from shared.runtime.maintaining import Maintaining
    from shared.runtime.settings import Settings

    settings = Settings.load()
    begins: Mapping[PartitionKey, int] = {}
    if how.wait:
        await _refuse_without_maintainer(settings)
        # Where to listen is found out first, or a fast job could end unheard.
        begins = await ends(settings, MAINTENANCE)
    command = await issue(
        settings,
        service="maintainer",
        action=action,
        target=target,
        actor=actor(),
        arguments=arguments.to_arguments(),
    )
    progress("sent", command=command.command_id, tables=len(names))
    if not how.wait:
        return command, None
    followed = Maintaining(command.command_id, names, jobs)
    await _follow(settings, followed, begins, how.timeout)
    return command, followed


async def _refuse_without_maintainer(settings: Settings) -> None:
    """Nobody would ever answer.

    Raises:
        Unavailable: the consumer group of maintainer has no member.
    """
    from shared.runtime.consumer_groups import describe
    from shared.runtime.errors import NotFound, Unavailable

    try:
        members = (await describe(settings, "maintainer")).members
    except NotFound:
        members = ()
    if not members:
        raise Unavailable(
            "no maintainer runs, so there is nothing to wait for; nothing was sent",
            "start one (`bergline up`, `bergline status`), leave --wait out to have it done once "
            "one runs, or see with --dry-run what would be done",
        )


async def _follow(
    settings: Settings,
    followed: Maintaining,
    begins: Mapping[PartitionKey, int],
    seconds: float,
) -> None:
    """Take events until every table has ended or time runs out."""
    from shared.runtime.event_log import follow_events

    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(seconds),
            contextlib.aclosing(follow_events(settings, begins)) as events,
        ):
            async for event in events:
                told = followed.take(event)
                if told is not None:
                    progress(f"{told.table}: {told.job} {told_by(told)}")
                if not followed.waiting:
                    return


def end(followed: Maintaining, how: How) -> None:
    """End the command as what was waited for has ended.

    Raises:
        CheckFailed: a table failed.
        Unavailable: time ran out.
    """
    from shared.runtime.errors import BerglineError, CheckFailed, Unavailable

    error: BerglineError | None = None
    if followed.failed:
        told = "; ".join(f"{e.table}: {e.job}: {e.error_type}: {e.error}" for e in followed.failed)
        error = CheckFailed(
            f"not maintained: {told}",
            "no row is changed; `bergline logs maintainer` shows more, `bergline verify TABLE` "
            "what is wrong with a table",
        )
    elif followed.waiting:
        error = Unavailable(
            f"not ended within {how.timeout:g} s: {', '.join(followed.waiting)}",
            "it goes on: see `bergline logs maintainer`, also whether it ignored the command, as "
            "with another BERGLINE_OPERATOR_KEY",
        )
    if error is not None and how.output is Format.JSON:
        raise typer.Exit(error.exit_code)
    if error is not None:
        raise error
