"""What ``bergline verify`` has found, drawn and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.cli.output import table
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
    from shared.lake.checking.findings import TableChecks, Verdict


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


def as_text(found: Sequence[TableChecks], sample: int, seed: int) -> Any:
    """A line for every check of one table, or for every table; what is wrong, and what to do."""
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
