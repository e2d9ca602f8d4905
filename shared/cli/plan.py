"""``bergline plan``: what would be built now, and why, as transformer sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.completing import derived_table
from shared.cli.output import Format, Output, emit, table
from shared.cli.words import NOTHING, cell, moment, stacked

if TYPE_CHECKING:
    from shared.contracts.plans import PlannedBuild, PlannedSource

app = typer.Typer(add_completion=False)


@app.command()
def plan(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]", help="One derived table; default all.", autocompletion=derived_table
        ),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Show for every derived table whether it would be built now: in full, in part, or not.

    Asks transformer, which compares what each table was built from with where its inputs stand.
    Nothing is built. The last column is what the worker that was asked does about its own tables.
    """
    from shared.cli.asking import transformer
    from shared.cli.chosen import targets
    from shared.contracts.plans import Plans
    from shared.tables.lineage import EVERYTHING
    from shared.tables.registry import TABLES

    wanted = [spec.name for spec in targets(EVERYTHING if name is None else name, TABLES)]
    answer = Plans.model_validate_json(transformer("/plan"))
    shown = [each for each in answer.tables if each.target in wanted]
    result = answer.model_copy(update={"tables": tuple(shown)}).model_dump(mode="json")
    text = stacked(
        table(("table", "would be built", "why", "inputs", "now"), [_row(each) for each in shown]),
        f"as of {moment(answer.planned_at)}",
    )
    emit(output, result, text)


def _row(each: PlannedBuild) -> tuple[object, ...]:
    colour = {"full": "yellow", "incremental": "cyan"}.get(each.mode)
    mode = f"[{colour}]{each.mode}[/]" if colour else each.mode
    inputs = " ".join(f"{name}:{_moved(source)}" for name, source in each.sources.items())
    return (each.target, mode, cell(each.reason), cell(inputs), cell(each.state))


def _moved(source: PlannedSource) -> str:
    recorded = NOTHING if source.recorded is None else str(source.recorded)
    head = NOTHING if source.head is None else str(source.head)
    return "unchanged" if recorded == head else f"{recorded}→{head}"
