"""The check ``rows`` of ``bergline verify``: groups of derived tables built again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.cli.output import progress

if TYPE_CHECKING:
    from shared.lake.checking.findings import Check, TableChecks
    from shared.tables.spec import TableSpec


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


def built_again(names: Sequence[str], sample: int, seed: int) -> dict[str, Check]:
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
