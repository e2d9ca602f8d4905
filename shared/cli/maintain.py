"""``bergline maintain``: what maintenance tables need now, and why; rarer jobs on command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from shared.cli.failed_tables import end, in_one_line
from shared.cli.maintaining import DryRun, How, Reason, Target, Timeout, Wait, carry_out
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, size, stacked

if TYPE_CHECKING:
    from shared.contracts.plans import PlannedMaintenance

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def maintain() -> None:
    """What maintenance tables need now, and why; and jobs that are seldom asked for.

    Those that are have commands of their own: compact, expire, orphans.
    """


@app.command()
def plan(target: Target = "all", output: Output = Format.TEXT) -> None:
    """Show how tables stand, what maintainer would do to them now, and why, or why not.

    Looks at the tables here and now, by the settings that this command and maintainer share;
    nothing is sent or changed, and no maintainer needs to run. Orphans are not foretold, as only a
    listing of the store finds them: `bergline orphans --dry-run`. When tables could not be looked
    at, ends with 3 where nothing answered, 4 where they do not exist, else with 6.

    Example: bergline maintain plan raw
    """
    from shared.cli.chosen import any_tables
    from shared.contracts.plans import MaintenancePlans, PlannedMaintenance
    from shared.lake.maintenance.looking import planned
    from shared.lake.maintenance.maintained import Maintained
    from shared.lake.maintenance.settings import MaintenanceSettings
    from shared.lake.reader import LakeReader
    from shared.runtime.errors import BerglineError
    from shared.tables.registry import TABLES

    settings = MaintenanceSettings.load()
    specs = any_tables(target, TABLES)
    reader = LakeReader(settings)
    _ = reader.catalog  # without it no table can be looked at
    found: list[PlannedMaintenance] = []
    failed: dict[str, BerglineError] = {}
    for spec in specs:
        progress("looking", table=spec.name)
        maintained = Maintained(reader, spec, settings.policy, "cli")
        try:
            found.append(planned(spec.name, maintained.look(), datetime.now(UTC)))
        except BerglineError as error:
            failed[spec.name] = error
            found.append(PlannedMaintenance(table=spec.name, error=in_one_line(error)))
    plans = MaintenancePlans(planned_at=datetime.now(UTC), tables=tuple(found))
    emit(output, plans.model_dump(mode="json"), as_text(plans))
    end(failed, len(specs), output)


@app.command()
def manifests(
    target: Target = "all",
    dry_run: DryRun = False,
    wait: Wait = False,
    timeout: Timeout = 3600.0,
    reason: Reason = "",
    output: Output = Format.TEXT,
) -> None:
    """Put the manifests of tables together: whoever plans a scan reads every one of them.

    Sends a signed command to maintainer, which does so by itself as well, once there are more than
    a table's commit.manifest.min-count-to-merge. No data file is touched. With --wait, ends with
    exit code 6 when a table failed, and with 3 when time ran out or no maintainer runs.

    Example: bergline maintain manifests raw.shopify_orders --wait
    """
    from shared.contracts.commands import MaintenanceArguments

    how = How(dry_run, wait, timeout, output)
    carry_out("manifests", target, MaintenanceArguments(reason=reason), how)


@app.command()
def restamp(
    target: Target = "all",
    dry_run: DryRun = False,
    wait: Wait = False,
    timeout: Timeout = 3600.0,
    reason: Reason = "",
    output: Output = Format.TEXT,
) -> None:
    """Say again where tables stand that another engine has committed to last.

    A snapshot of another engine does not tell offsets or inputs; what does is found below it, as
    long as that is retained. Sends a signed command to maintainer, which puts an empty snapshot on
    top that tells them, and does so by itself as well. Skips a derived table whose rows others have
    changed: it is to be built anew. With --wait, ends with exit code 6 when a table failed, and
    with 3 when time ran out or no maintainer runs.

    Example: bergline maintain restamp core.orders --dry-run
    """
    from shared.contracts.commands import MaintenanceArguments

    how = How(dry_run, wait, timeout, output)
    carry_out("restamp", target, MaintenanceArguments(reason=reason), how)


def as_text(plans: Any) -> Any:
    """A line a table, and below it a line for everything that is due."""
    columns = (
        *("table", ">files", ">small", ">deletes", ">size", ">snapshots", ">manifests"),
        *("would run", ">files", ">size", "why"),
    )
    rows: list[tuple[object, ...]] = []
    for each in plans.tables:
        rows += _rows(each)
    return stacked(table(columns, rows))


def _rows(each: PlannedMaintenance) -> list[tuple[object, ...]]:
    if each.error:
        return [(each.table, *(NOTHING,) * 6, "[red]failed[/]", NOTHING, NOTHING, cell(each.error))]
    stands = (
        each.table,
        count(each.data_files),
        count(each.small_files),
        count(each.delete_files),
        size(each.live_bytes),
        count(each.snapshots),
        count(each.manifests),
    )
    due = [job for job in each.jobs if job.due]
    if not due:
        why = next((job.reason for job in each.jobs), "")
        return [(*stands, "[dim]nothing[/]", NOTHING, NOTHING, cell(why))]
    rows: list[tuple[object, ...]] = []
    for number, job in enumerate(due):
        where = f"{job.partition}: " if job.partition else ""
        what = (f"[cyan]{job.job}[/]", count(job.files), size(job.bytes), cell(where + job.reason))
        rows.append((*(stands if number == 0 else ("",) * 7), *what))
    return rows
