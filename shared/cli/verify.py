"""``bergline verify``: is a table what it says? Files, deletes, origin, key, rows built again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.completing import any_table
from shared.cli.output import Format, Output, emit, progress
from shared.cli.rows_again import built_again, to_build_again, with_rows
from shared.cli.verify_page import as_json, as_text

if TYPE_CHECKING:
    from shared.lake.checking.findings import TableChecks
    from shared.lake.reader import LakeReader
    from shared.tables.spec import TableSpec


app = typer.Typer(add_completion=False)

EVERYTHING = "all"


@app.command()
def verify(
    name: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|all", help="One table, or every table.", autocompletion=any_table
        ),
    ] = EVERYTHING,
    sample: Annotated[
        int, typer.Option(min=0, help="Groups to build again of each derived table; 0 for none.")
    ] = 100,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Chooses the groups; told, to be repeated.")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Check tables against themselves, their files and their inputs. Nothing is changed.

    ledger or origin: what the table says of its inputs. files: each is in the store, of its size.
    totals: rows and files add up. deletes: each deletes one live row, once. key: no two rows have
    the same. rows: some groups built again from the recorded inputs are what is stored. Ends with
    exit code 6 when something is wrong.
    """
    from shared.cli.chosen import declared
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings
    from shared.tables.lineage import in_order
    from shared.tables.registry import TABLES

    names = in_order(TABLES) if name == EVERYTHING else (declared(name, TABLES).name,)
    specs = [TABLES[each] for each in names]
    picked = random.randrange(2**32) if seed is None else seed  # noqa: S311 no secret
    found = _checked(LakeReader(Settings.load()), specs)
    if sample:
        found = with_rows(found, built_again(to_build_again(found, specs), sample, picked))
    emit(output, as_json(found, sample, picked), as_text(found, sample, picked))
    _end(found, output)


def _checked(lake: LakeReader, specs: Sequence[TableSpec]) -> list[TableChecks]:
    from shared.lake.checking.findings import Check, TableChecks, wrong
    from shared.lake.checking.table_checks import check_table
    from shared.runtime.errors import NotFound

    found = []
    for spec in specs:
        try:
            found.append(check_table(lake, spec, partial(progress, table=spec.name)))
        except NotFound as error:
            missing = Check("table", "nothing", (wrong(error.what),), error.next_step)
            found.append(TableChecks(spec.name, None, (missing,)))
    return found


def _end(found: Sequence[TableChecks], output: Format) -> None:
    """Exit code 6 when something is wrong; what could not be looked at is told, no failure."""
    from shared.lake.checking.findings import Verdict
    from shared.runtime.errors import CheckFailed

    wrong = [each for each in found if any(c.verdict is Verdict.WRONG for c in each.checks)]
    if not wrong:
        return
    if output is Format.JSON:
        raise typer.Exit(CheckFailed.exit_code)
    names = ", ".join(each.table for each in wrong)
    derived = [each.table for each in wrong if _is_derived(each.table)]
    advice = (
        f"`bergline refresh {derived[0]}` builds a derived table anew from its inputs"
        if derived
        else "a raw table cannot be built anew: restore the files, or see `bergline counts`"
    )
    raise CheckFailed(f"not as it should be: {names}", advice)


def _is_derived(name: str) -> bool:
    from shared.tables.registry import TABLES

    return TABLES[name].derived is not None
