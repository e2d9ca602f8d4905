"""``bergline quality``: is the entity index complete, and is everybody in it once?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, cell, count, stacked

if TYPE_CHECKING:
    from shared.lake.entity_quality.report import Report

app = typer.Typer(add_completion=False)


@app.command()
def quality(
    quick: Annotated[bool, typer.Option("--quick", help="Totals only, and judged.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the report there, as JSON.")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Check the entity index against the staged records of every source. Nothing is changed.

    Ends with 0 when it is healthy, 1 with a warning, 2 when it is critical; with other codes when
    it could not be checked. Sources that are not staged yet are said to be so.
    """
    from shared.lake.entity_quality.report import check_entities
    from shared.lake.reader import LakeReader
    from shared.runtime.errors import ConfigurationError
    from shared.runtime.settings import Settings

    progress("asking the entity index and the staged records", quick=quick)
    found = check_entities(LakeReader(Settings.load()), quick=quick)
    if report is not None:
        try:
            report.write_text(json.dumps(found.as_json(), indent=2) + "\n")
        except OSError as error:
            raise ConfigurationError(
                f"the report cannot be written to {report}: {error.strerror}", "name another file"
            ) from error
    emit(output, found.as_json(), as_text(found))
    if found.status.exit_code:
        raise typer.Exit(found.status.exit_code)


def as_text(found: Report) -> Any:
    """Verdict, sources, figures and issues, for people."""
    figures, told = found.figures, found.as_json()
    sources = [
        (
            each["source"],
            count(each["total_records"]),
            count(each["mapped_records"]),
            count(each["orphaned_records"]),
            NOTHING if each["coverage_pct"] is None else f"{each['coverage_pct']:.2f} %",
        )
        if each["staged"]
        else (each["source"], "not staged yet", "", "", "")
        for each in told["source_stats"]
    ]
    metrics = [
        (
            each["name"],
            f"{each['value']:g}",
            NOTHING if each["threshold"] is None else f"{each['threshold']:g}",
            each["status"],
        )
        for each in told["metrics"]
    ]
    issues = [cell(f"{each['type']}: {each['message']}") for each in told["issues"]]
    return stacked(
        f"{found.status}: {count(figures.mappings)} rows of {count(figures.unified)} entities",
        "",
        *([table(("source", "records", "in the index", "not in it", "coverage"), sources)]),
        table(("figure", "value", "threshold", "level"), metrics),
        *issues,
    )
