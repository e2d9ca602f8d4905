"""The report of a run: a JSON object, and a text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import duckdb
from rich.text import Text

from shared.cli.output import table
from shared.cli.words import cell, stacked
from tests.bench.report import Machine
from tests.chaos.audit import RULES, Evidence
from tests.chaos.broker_away import order_audit
from tests.chaos.broker_away.scenario import INSTANCES, Away
from tests.chaos.report import verdict as in_words

FORMAT = 1

_COUNTS = """
select
    (select count(*) from ledger where accepted) as accepted,
    (select count(*) from ledger where not accepted) as not_accepted,
    (select sum(attempts) - count(*) - sum(unanswered) from ledger) as refused_for_now,
    (select sum(unanswered) from ledger) as unanswered,
    (select count(*) from rows) as rows,
    (select count(*) from rows where replayed) as repeats_marked,
    (select count(distinct delivery_id) from rows) as deliveries
"""


def report(
    run: Away,
    *,
    away_s: float,
    rate: float,
    seed: int,
    machine: Machine,
    kept: str,
) -> dict[str, Any]:
    """The JSON object; ``untold`` names what did not tell that records were spooled."""
    untold = _untold(run)
    ok = run.stalled is None and not run.violations and not untold and run.evidence is not None
    return {
        "name": "broker-away",
        "format": FORMAT,
        "verdict": "clean" if ok else "violated",
        "seed": seed,
        "away_s": away_s,
        "rate": rate,
        "rate_reached": round(run.rate, 1),
        "instances": INSTANCES,
        "rules": len(RULES) + len(order_audit.RULES),
        "violations": [asdict(each) for each in run.violations],
        "stalled": run.stalled,
        "untold": untold,
        "killed": dict(sorted(run.done.items())),
        "counts": {} if run.evidence is None else _counts(run.evidence),
        "order_promised_for": run.ordered,
        "told": [asdict(each) for each in run.told],
        "events": run.events,
        "seconds": {name: round(value, 1) for name, value in run.seconds.items()},
        "machine": asdict(machine),
        "kept": None if ok else kept,
    }


def text(made: Mapping[str, Any]) -> Any:
    """The report for people."""
    figures = {
        **{f"killed: {name}": times for name, times in made["killed"].items()},
        **made["counts"],
        "webhooks a second": made["rate_reached"],
        "sent after an answer about the same": made["order_promised_for"],
        **{f"seconds: {name}": value for name, value in made["seconds"].items()},
    }
    told = [
        [cell(number), *(cell(each[name]) for name in ("records", "bytes", "oldest_s"))]
        for number, each in enumerate(made["told"])
    ]
    return stacked(
        table(("what", ">figure"), [[cell(name), cell(each)] for name, each in figures.items()]),
        table((">instance", ">most records", ">most bytes", ">oldest s"), told),
        Text(verdict(made)),
    )


def verdict(made: Mapping[str, Any]) -> str:
    """In one paragraph: clean, or what is wrong and where to look."""
    more = {"rounds": made["killed"].get("broker", 0), "left_out": {}, "grown": []}
    lines = [in_words({**made, **more})]
    lines += [f"not told: {what}" for what in made["untold"]]
    return "\n".join(lines)


def _counts(evidence: Evidence) -> dict[str, int]:
    with duckdb.connect() as sql:
        sql.register("ledger", evidence.ledger)
        sql.register("rows", evidence.rows)
        found = sql.execute(_COUNTS).to_arrow_table().to_pylist()[0]
    return {name: int(value or 0) for name, value in found.items()}


def _untold(run: Away) -> Sequence[str]:
    """Which of readiness, metrics and events was silent about which instance."""
    if run.evidence is None:
        return []
    missing = [
        f"readiness and metrics of instance {number}: {asdict(told)}"
        for number, told in enumerate(run.told)
        if not told.is_whole
    ]
    whole = [
        each
        for each in run.events
        if each["change"] == "ended" and each["records"] and each["seconds"]
    ]
    told = {each["instance"] for each in whole}
    if len(told) < INSTANCES:
        missing.append(f"events of {INSTANCES} instances: only of {sorted(told)}")
    return missing
