"""``bergline verify``: is a table what it says? Files, deletes, origin, key, rows built again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import any_table
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
    from shared.lake.checking.findings import Check, TableChecks, Verdict
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
        found = with_rows(found, _built_again(to_build_again(found, specs), sample, picked))
    emit(output, as_json(found, sample, picked), _as_text(found, sample, picked))
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


def to_build_again(found: Sequence[TableChecks], specs: Sequence[TableSpec]) -> list[str]:
    """Derived tables that were built and whose files are all there."""
    from shared.lake.checking.findings import Verdict

    readable = {
        each.table
        for each in found
        if each.snapshot_id is not None
        and not any(c.name == "files" and c.verdict is Verdict.WRONG for c in each.checks)
    }
    return [spec.name for spec in specs if spec.derived is not None and spec.name in readable]


def _built_again(names: Sequence[str], sample: int, seed: int) -> dict[str, Check]:
    """The check ``rows`` of derived tables.

    Raises:
        BerglineError: what the process that builds says that it ran into.
    """
    if not names:
        return {}
    progress("building groups again", tables=len(names), sample=sample, seed=seed)
    # A process of its own: it computes with transformer's functions, the command line knows none.
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "services.transformer.verification", *names),
            *("--sample", str(sample), "--seed", str(seed), "--output", "json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return {each["table"]: rows_check(each) for each in _answer(ended.stdout, ended.returncode)}


def _answer(text: str, code: int) -> list[dict[str, Any]]:
    from shared.runtime import errors

    try:
        body = json.loads(text)
    except ValueError:
        raise errors.CheckFailed(
            f"building again ended with {code} and no answer",
            "run `python -m services.transformer.verification TABLE` to see why",
        ) from None
    if "error" in body:
        kind = getattr(errors, str(body["error"]["kind"]), errors.CheckFailed)
        raise kind(body["error"]["what"], body["error"]["next_step"])
    tables: list[dict[str, Any]] = body["tables"]
    return tables


def rows_check(found: dict[str, Any]) -> Check:
    """What the rebuilding process says of one table, as a check."""
    from shared.lake.checking.findings import Check, skipped, wrong

    if found["skipped"]:
        return Check("rows", "nothing", (skipped(found["skipped"]),))
    looked_at = f"{found['rows']} rows of {found['groups']} groups built again"
    if not found["differing"]:
        return Check("rows", looked_at)
    examples = "; ".join(_example(each) for each in found["examples"])
    more = found["differing"] - len(found["examples"])
    what = f"{found['differing']} rows differ: {examples}" + (f" and {more} more" if more else "")
    return Check("rows", looked_at, (wrong(what),), f"`bergline refresh {found['table']}`")


def _example(row: dict[str, Any]) -> str:
    key = ", ".join(f"{name}={value}" for name, value in row["key"].items())
    columns = f" in {', '.join(row['columns'])}" if row["columns"] else ""
    return f"({key}) {row['kind']}{columns}"


def with_rows(found: Sequence[TableChecks], rows: dict[str, Check]) -> list[TableChecks]:
    """The checks with those of the rebuilding process behind them."""
    return [
        replace(each, checks=(*each.checks, rows[each.table])) if each.table in rows else each
        for each in found
    ]


def as_json(found: Sequence[TableChecks], sample: int, seed: int) -> dict[str, Any]:
    """Every check of every table."""
    return {
        "verdict": str(_worst(found)),
        "sample": sample,
        "seed": seed,
        "tables": [
            {
                "table": each.table,
                "snapshot_id": each.snapshot_id,
                "verdict": str(each.verdict),
                "checks": [
                    {
                        "check": check.name,
                        "verdict": str(check.verdict),
                        "looked_at": check.looked_at,
                        "findings": [
                            {"verdict": str(f.verdict), "what": f.what} for f in check.findings
                        ],
                        "next_step": check.next_step,
                    }
                    for check in each.checks
                ],
            }
            for each in found
        ],
    }


def _worst(found: Sequence[TableChecks]) -> Verdict:
    from shared.lake.checking.findings import worst

    return worst(each.verdict for each in found)


def _as_text(found: Sequence[TableChecks], sample: int, seed: int) -> Any:
    told: list[str] = []
    for each in found:
        for check in each.checks:
            told += [
                cell(f"{each.table}, {check.name}: {finding.verdict}: {finding.what}")
                for finding in check.findings
            ]
            told += [cell(f"  next: {check.next_step}")] if check.next_step else []
    drawn = _one(found[0]) if len(found) == 1 else _several(found)
    note = f"groups chosen with --seed {seed}" if sample else "no groups were built again"
    return stacked(drawn, *(["", *told] if told else []), "", note)


def _one(each: TableChecks) -> Any:
    """A line for every check, with what it looked at."""
    rows = [
        (check.name, _coloured(str(check.verdict)), cell(check.looked_at)) for check in each.checks
    ]
    return table(("check", "verdict", "looked at"), rows, title=each.table)


def _several(found: Sequence[TableChecks]) -> Any:
    """A line for every table, with the verdict of every check."""
    names = list(dict.fromkeys(check.name for each in found for check in each.checks))
    rows = []
    for each in found:
        verdicts = {check.name: _coloured(str(check.verdict)) for check in each.checks}
        rows.append((each.table, *(verdicts.get(name, "") for name in names)))
    return table(("table", *names), rows)


def _coloured(verdict: str) -> str:
    colour = {"ok": "green", "wrong": "red"}.get(verdict, "yellow")
    return f"[{colour}]{verdict}[/]"


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
