"""``bergline maintain``: what maintenance tables need now, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from shared.cli.maintaining import Target
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, size, stacked

if TYPE_CHECKING:
    from shared.contracts.plans import PlannedMaintenance

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def maintain() -> None:
    """What maintenance tables need now, and why."""


@app.command()
def plan(target: Target = "all", output: Output = Format.TEXT) -> None:
    """Show how tables stand, what maintainer would do to them now, and why, or why not.

    Looks at the tables here and now, by the settings that this command and maintainer share;
    nothing is changed. Ends with exit code 6 when a table could not be looked at.
    """
    from shared.cli.chosen import any_tables
    from shared.contracts.plans import MaintenancePlans, PlannedMaintenance
    from shared.lake.maintenance.looking import planned
    from shared.lake.maintenance.maintained import Maintained
    from shared.lake.maintenance.settings import MaintenanceSettings
    from shared.lake.reader import LakeReader
    from shared.runtime.errors import BerglineError, CheckFailed
    from shared.tables.registry import TABLES

    settings = MaintenanceSettings.load()
    specs = any_tables(target, TABLES)
    reader = LakeReader(settings)
    found: list[PlannedMaintenance] = []
    for spec in specs:
        progress("looking", table=spec.name)
        maintained = Maintained(reader, spec, settings.policy, "cli")
        try:
            found.append(planned(spec.name, maintained.look(), datetime.now(UTC)))
        except BerglineError as error:
            found.append(PlannedMaintenance(table=spec.name, error=str(error)))
    plans = MaintenancePlans(planned_at=datetime.now(UTC), tables=tuple(found))
    emit(output, plans.model_dump(mode="json"), as_text(plans))
    if broken := [each for each in found if each.error]:
        if output is Format.JSON:
            raise typer.Exit(CheckFailed.exit_code)
        raise CheckFailed("; ".join(f"{each.table}: {each.error}" for each in broken))


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
