"""What ``compact``, ``expire`` and ``orphans`` share: a command to maintainer, or a dry run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import any_target
from shared.cli.output import Format, emit, progress, table
from shared.cli.words import NOTHING, cell, count, size, stacked

if TYPE_CHECKING:
    from shared.contracts.commands import Action, CommandIssued, MaintenanceArguments
    from shared.contracts.maintenance import JobName
    from shared.lake.maintenance.job_result import JobResult
    from shared.runtime.log_bounds import PartitionKey
    from shared.runtime.maintaining import Maintaining, Told
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
    bool, typer.Option("--dry-run", help="Only show what would be done; nothing is changed.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Until every table has ended.")]
Timeout = Annotated[float, typer.Option(min=1, help="Longest time to wait, in seconds.")]
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
    """
    from shared.cli.chosen import any_tables
    from shared.tables.registry import TABLES

    names = tuple(spec.name for spec in any_tables(target, TABLES))
    jobs: tuple[JobName, ...] = _JOBS[action]
    if arguments.remove_orphans and "orphans" not in jobs:
        jobs = (*jobs, "orphans")
    if how.dry_run:
        _try_dry(names, jobs, arguments, how.output)
        return
    command, followed = asyncio.run(_send(action, target, names, jobs, arguments, how))
    emit(how.output, as_json(command, names, followed), _as_text(command, names, followed))
    if followed is not None:
        _end(followed, how)


_JOBS: Mapping[str, tuple[JobName, ...]] = {
    "compact": ("compact",),
    "expire": ("expire",),
    "orphans": ("orphans",),
}


async def _send(
    action: Action,
    target: str,
    names: tuple[str, ...],
    jobs: tuple[JobName, ...],
    arguments: MaintenanceArguments,
    how: How,
) -> tuple[CommandIssued, Maintaining | None]:
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


def _end(followed: Maintaining, how: How) -> None:
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


def told_by(event: Told) -> str:
    """What became of a job, as the end of a sentence."""
    from shared.contracts.maintenance import MaintenanceSucceeded

    if isinstance(event, MaintenanceSucceeded):
        why = f": {event.reason}" if event.reason else ""
        return f"{event.status} in {event.seconds:.2f} s{why}"
    again = ", tried again" if event.will_retry else ""
    return f"failed after {event.seconds:.2f} s{again}: {event.error_type}: {event.error}"


def as_json(
    command: CommandIssued, names: tuple[str, ...], followed: Maintaining | None
) -> dict[str, Any]:
    """The command as it was sent, and what became of each table when it was waited for."""
    body: dict[str, Any] = {
        "sent": command.model_dump(mode="json", exclude={"signature"}),
        "tables": list(names),
    }
    if followed is None:
        return body
    failed = list(dict.fromkeys(each.table for each in followed.failed))
    over = {*failed, *followed.waiting}
    return {
        **body,
        "maintained": [name for name in names if name not in over],
        "failed": failed,
        "waiting": list(followed.waiting),
        "jobs": [
            {"type": each.type, **each.model_dump(mode="json")} for each in followed.told.values()
        ],
    }


def _as_text(command: CommandIssued, names: tuple[str, ...], followed: Maintaining | None) -> Any:
    if followed is None:
        return (
            f"command {command.command_id} sent, asked by {cell(command.actor)}: maintainer does "
            f"{command.action} for {cell(', '.join(names))}; with --wait the command shows how it "
            "ended"
        )
    rows = [
        _row(name, job, followed.told.get((name, job))) for name in names for job in followed.jobs
    ]
    columns = ("table", "job", "outcome", ">files", ">size", ">snapshots", ">freed", ">took", "")
    return stacked(table(columns, rows))


def _row(name: str, job: str, told: Told | None) -> tuple[object, ...]:
    from shared.contracts.maintenance import MaintenanceSucceeded

    if told is None:
        return (name, job, "[yellow]waiting[/]", *(NOTHING,) * 6)
    took = f"{told.seconds:.2f} s"
    if not isinstance(told, MaintenanceSucceeded):
        why = cell(f"{told.error_type}: {told.error}")
        return (name, job, "[red]failed[/]", *(NOTHING,) * 4, took, why)
    before, after = told.before, told.after
    colour = "green" if told.status == "succeeded" else "dim"
    return (
        name,
        job,
        f"[{colour}]{told.status}[/]",
        _moved(before.data_files, after.data_files, count),
        _moved(before.live_bytes, after.live_bytes, size),
        _moved(before.snapshots, after.snapshots, count),
        size(told.bytes_freed),
        took,
        cell(told.reason),
    )


def _moved(before: int | None, after: int | None, words: Any) -> str:
    if before is None:
        return NOTHING
    return str(words(before)) if after in (None, before) else f"{words(before)}→{words(after)}"


def _try_dry(
    names: tuple[str, ...],
    jobs: tuple[JobName, ...],
    arguments: MaintenanceArguments,
    output: Format,
) -> None:
    from shared.lake.maintenance.asked import Asked
    from shared.lake.maintenance.maintained import Maintained
    from shared.lake.maintenance.settings import MaintenanceSettings
    from shared.lake.reader import LakeReader
    from shared.runtime.errors import BerglineError, CheckFailed
    from shared.tables.registry import TABLES

    settings = MaintenanceSettings.load()
    older_than = arguments.older_than
    asked = Asked(
        force=True,
        retention_days=arguments.retention_days,
        retain_last=arguments.retain_last,
        older_than_ms=None if older_than is None else int(older_than.timestamp() * 1000),
        allow_young=arguments.allow_young,
    )
    found: list[tuple[str, str, JobResult | BerglineError]] = []
    reader = LakeReader(settings)
    for name in names:
        maintained = Maintained(reader, TABLES[name], settings.policy, "cli")
        for job in jobs:
            progress("looking", table=name, job=job)
            try:
                found.append((name, job, maintained.run(job, asked, dry_run=True)))
            except BerglineError as error:
                found.append((name, job, error))
    emit(output, {"dry_run": True, "jobs": [_dry_json(*each) for each in found]}, _dry_text(found))
    errors = [(name, each) for name, _, each in found if isinstance(each, BerglineError)]
    if errors and output is Format.JSON:
        raise typer.Exit(CheckFailed.exit_code)
    if errors:
        raise CheckFailed("; ".join(f"{name}: {error.what}" for name, error in errors))


def _dry_json(name: str, job: str, found: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from shared.runtime.errors import BerglineError

    if isinstance(found, BerglineError):
        return {"table": name, "job": job, "status": "failed", "error": str(found)}
    figures = asdict(found)
    for which in ("before", "after"):
        figures[which] = getattr(found, which).model_dump()
    return {"table": name, "job": job, **figures}


def _dry_text(found: list[tuple[str, str, JobResult | Any]]) -> Any:
    from shared.runtime.errors import BerglineError

    rows: list[tuple[object, ...]] = []
    for name, job, each in found:
        if isinstance(each, BerglineError):
            rows.append((name, job, "[red]failed[/]", *(NOTHING,) * 5, cell(each.what)))
            continue
        status = "[dim]nothing[/]" if each.status.value == "skipped" else "[cyan]would run[/]"
        expired = _moved(each.before.snapshots, each.after.snapshots, count)
        rewritten = NOTHING
        if each.files_replaced:
            rewritten = f"{count(each.files_replaced)} ({size(each.bytes_replaced)})"
        deleted = count(each.files_deleted + each.metadata_deleted)
        freed = size(each.bytes_freed)
        files = NOTHING if each.before.data_files is None else count(each.before.data_files)
        rows.append(
            (name, job, status, files, rewritten, expired, deleted, freed, cell(each.reason))
        )
    columns = (
        *("table", "job", "", ">files", ">rewritten", ">snapshots", ">deleted", ">freed"),
        "why",
    )
    return stacked(table(columns, rows), "nothing was changed")
