"""``bergline quality``: is the entity index complete, and is everybody in it once?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.maintaining import How, Reason, Timeout, end, send
from shared.cli.outcomes import as_json, as_text
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.contracts.entity_quality import EntityQuality

app = typer.Typer(add_completion=False)


@app.command()
def quality(
    quick: Annotated[
        bool, typer.Option("--quick", help="Totals only, and judged; not with --remote.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the report there, as JSON.")
    ] = None,
    remote: Annotated[
        bool,
        typer.Option(
            "--remote", help="Have maintainer check now: its gauges and events tell of it."
        ),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="The same, and wait for the report; else only send.")
    ] = False,
    timeout: Timeout = 600.0,
    reason: Reason = "",
    output: Output = Format.TEXT,
) -> None:
    """Check the entity index against the staged records of every source. Nothing is changed.

    Asks the tables from here, or with --remote or --wait has maintainer do so, which checks once a
    day by itself. Ends with 0 when the index is healthy, 1 with a warning, 2 when it is critical;
    with 3 when nobody answered in time, 4 when there is no index yet, 6 when maintainer could not
    check it. Sources that are not staged yet are said to be so.

    Example: bergline quality --wait --report quality.json
    """
    if remote or wait:
        how = How(False, wait, timeout, output)
        found = _remotely(quick, report, reason, how)
        if found is None:
            return
        told: Mapping[str, Any] = found.model_dump(mode="json")
    else:
        found, told = _here(quick)
    if report is not None:
        _write(report, told)
    emit(output, told, as_report(found))
    if code := ("healthy", "warning", "critical").index(found.status):
        raise typer.Exit(code)


def _here(quick: bool) -> tuple[EntityQuality, Mapping[str, Any]]:
    from shared.lake.entity_quality.report import check_entities
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings

    progress("asking the entity index and the staged records", quick=quick)
    found = check_entities(LakeReader(Settings.load()), quick=quick)
    return found.told(), found.as_json()  # which has samples, too


def _remotely(quick: bool, report: Path | None, reason: str, how: How) -> EntityQuality | None:
    """The report of maintainer; ``None`` when it was not waited for.

    Raises:
        NotFound: there is no entity index yet.
        CheckFailed: it could not be checked.
        Unavailable: time ran out, or no maintainer runs that could be waited for.
        ConfigurationError: these options do not go together, or there is no key to sign with.
    """
    from shared.contracts.commands import MaintenanceArguments
    from shared.contracts.maintenance import MaintenanceSucceeded
    from shared.lake.entity_quality.sources import INDEX
    from shared.runtime.errors import ConfigurationError, NotFound

    if quick:
        raise ConfigurationError(
            "--quick is of a check from here: maintainer checks all of it, as its gauges tell of "
            "coverage and duplicates",
            "leave --quick out, or --remote and --wait",
        )
    if report is not None and not how.wait:
        raise ConfigurationError(
            "--report has nothing to write: the command is only sent", "--wait"
        )
    arguments = MaintenanceArguments(reason=reason)
    names = (INDEX,)
    command, followed = asyncio.run(send("quality", INDEX, names, ("quality",), arguments, how))
    if followed is None:
        emit(how.output, as_json(command, names, None), as_text(command, names, None))
        return None
    ended = followed.told.get((INDEX, "quality"))
    if isinstance(ended, MaintenanceSucceeded):
        if ended.quality is None:
            raise NotFound(ended.reason, "there is something to check once that table is built")
        return ended.quality
    if how.output is Format.JSON:
        emit(how.output, as_json(command, names, followed), "")
    end(followed, how)  # it failed, or time ran out
    return None


def _write(file: Path, told: Mapping[str, Any]) -> None:
    from shared.runtime.errors import ConfigurationError

    try:
        file.write_text(json.dumps(told, indent=2) + "\n")
    except OSError as error:
        raise ConfigurationError(
            f"the report cannot be written to {file}: {error.strerror}", "name another file"
        ) from error


def as_report(found: EntityQuality) -> Any:
    """Verdict, sources, figures and issues, for people."""
    sources = [
        (
            cell(each.source),
            count(each.total_records),
            count(each.mapped_records),
            count(each.orphaned_records),
            NOTHING if each.coverage_pct is None else f"{each.coverage_pct:.2f} %",
        )
        if each.staged
        else (cell(each.source), "not staged yet", "", "", "")
        for each in found.source_stats
    ]
    metrics = [
        (
            cell(each.name),
            f"{each.value:g}",
            NOTHING if each.threshold is None else f"{each.threshold:g}",
            each.status,
        )
        for each in found.metrics
    ]
    mappings, unified = found.total_entity_mappings, found.total_unified_ids
    return stacked(
        f"{found.status}: {count(mappings)} rows of {count(unified)} entities",
        "",
        table(("source", "records", "in the index", "not in it", "coverage"), sources),
        table(("figure", "value", "threshold", "level"), metrics),
        *(cell(f"{each.type}: {each.message}") for each in found.issues),
    )
