"""A dry run of maintenance: looks by itself, needs no maintainer, changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.cli.failed_tables import end, in_one_line
from shared.cli.outcomes import moved
from shared.cli.output import Format, emit, progress, table
from shared.cli.words import NOTHING, cell, count, size, stacked

if TYPE_CHECKING:
    from shared.contracts.commands import MaintenanceArguments
    from shared.contracts.maintenance import JobName
    from shared.lake.maintenance.job_result import JobResult


def dry_run(
    names: tuple[str, ...],
    jobs: tuple[JobName, ...],
    arguments: MaintenanceArguments,
    output: Format,
) -> None:
    """Look at every table and print what the jobs would do; a failed table does not hide others.

    Raises:
        Unavailable: the catalog does not answer; nothing was looked at.
        BerglineError: as :func:`shared.cli.failed_tables.end`, when tables failed.
    """
    from shared.lake.maintenance.asked import Asked
    from shared.lake.maintenance.maintained import Maintained
    from shared.lake.maintenance.settings import MaintenanceSettings
    from shared.lake.reader import LakeReader
    from shared.runtime.errors import BerglineError
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
    _ = reader.catalog  # without it no table can be looked at
    for name in names:
        maintained = Maintained(reader, TABLES[name], settings.policy, "cli")
        for job in jobs:
            progress("looking", table=name, job=job)
            try:
                found.append((name, job, maintained.run(job, asked, dry_run=True)))
            except BerglineError as error:
                found.append((name, job, error))
                break  # as the jobs themselves: none is begun behind one that failed
    emit(output, {"dry_run": True, "jobs": [as_json(*each) for each in found]}, as_text(found))
    failed = {name: each for name, _, each in found if isinstance(each, BerglineError)}
    end(failed, len(names), output)


def as_json(name: str, job: str, found: Any) -> dict[str, Any]:
    """One job of one table."""
    from dataclasses import asdict

    from shared.runtime.errors import BerglineError

    if isinstance(found, BerglineError):
        return {"table": name, "job": job, "status": "failed", "error": in_one_line(found)}
    figures = asdict(found)
    del figures["quality"]  # of a job that has no dry run
    for which in ("before", "after"):
        figures[which] = getattr(found, which).model_dump()
    return {"table": name, "job": job, **figures}


def as_text(found: list[tuple[str, str, JobResult | Any]]) -> Any:
    """A line for each job of each table."""
    from shared.runtime.errors import BerglineError

    rows: list[tuple[object, ...]] = []
    for name, job, each in found:
        if isinstance(each, BerglineError):
            rows.append((name, job, "[red]failed[/]", *(NOTHING,) * 6, cell(in_one_line(each))))
            continue
        status = "[dim]nothing[/]" if each.status.value == "skipped" else "[cyan]would run[/]"
        before, after = each.before, each.after
        rewritten = NOTHING
        if each.files_replaced:
            rewritten = f"{count(each.files_replaced)} ({size(each.bytes_replaced)})"
        deleted = count(each.files_deleted + each.metadata_deleted)
        freed = size(each.bytes_freed)
        rows.append(
            (
                *(name, job, status, count(before.data_files), rewritten),
                moved(before.snapshots, after.snapshots, count),
                moved(before.manifests, after.manifests, count),
                *(deleted, freed, cell(each.reason)),
            )
        )
    columns = (
        *("table", "job", "", ">files", ">rewritten", ">snapshots", ">manifests"),
        *(">deleted", ">freed", "why"),
    )
    return stacked(table(columns, rows), "nothing was changed")
