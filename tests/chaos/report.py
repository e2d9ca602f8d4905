"""What a run tells: one JSON object, or tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import duckdb
from rich.text import Text

from shared.cli.output import table
from shared.cli.words import cell, stacked
from tests.bench.report import Machine
from tests.chaos import derived_audit, maintenance_audit
from tests.chaos.audit import RULES, Evidence, Violation
from tests.chaos.derived_audit import DerivedEvidence
from tests.chaos.faults import SESSION_S, Round
from tests.chaos.injector import Sleep
from tests.chaos.maintenance_audit import MaintenanceEvidence
from tests.chaos.memory import Growth
from tests.chaos.rounds import Run
from tests.chaos.traffic import Traffic

FORMAT = 1

_COUNTS = """
select (select count(*) from ledger) as deliveries,
       (select count(*) from ledger where accepted) as accepted,
       (select coalesce(sum(attempts - 1), 0)::bigint from ledger) as retries,
       (select coalesce(sum(unanswered), 0)::bigint from ledger) as unanswered,
       (select count(*) from rows) as rows,
       (select count(*) from rows anti join ledger using (delivery_id)) as rows_of_lost_answers,
       (select coalesce(sum(log_end - log_start), 0)::bigint from logs) as offsets,
       (select count(*) from snapshots) as commits_seen,
       (select coalesce(sum(last), 0)::bigint from
           (select max(sequence) as last from snapshots group by table_name)) as commits,
       (select count(*) from announcements) as announcements
"""

_TAKEN_OVER = """
select count(*) filter (where after.next > before.next)::bigint as advanced,
       count(*)::bigint as partitions
from (select topic, partition, max(next) as next from positions join snapshots
          using (table_name, sequence) where committed_ms <= $began + $session group by all)
     as before
join (select topic, partition, max(next) as next from positions join snapshots
          using (table_name, sequence) where committed_ms <= $ended group by all) as after
    using (topic, partition)
"""

_BUILT_MEANWHILE = """
select count(distinct table_name) from builds
where operation <> 'replace'
  and committed_ms > $began + $session and committed_ms <= $ended
"""

_MAINTAINED_MEANWHILE = """
select count(*) from jobs where ended_ms > $began + $session and ended_ms <= $ended
"""

_JOBS = """
select job || ' ' || status as what, count(*)::bigint as times from jobs group by all
union all select job || ' failed', count(*) from failures group by all
union all select 'objects not named', count(*) from stored
    where path not in (select path from named) and path not like '%.metadata.json'
order by what
"""

_DERIVED_COUNTS = """
select count(*), coalesce(sum(rows), 0)::bigint, (select count(*) from builds) from comparisons
"""


def counts(evidence: Evidence) -> dict[str, int]:
    """How much was sent, stored, committed and announced."""
    with _over(evidence) as sql:
        found: list[dict[str, int]] = sql.execute(_COUNTS).to_arrow_table().to_pylist()
    return found[0]


def zombies(evidence: Evidence, sleeps: Sequence[Sleep]) -> list[dict[str, object]]:
    """Per sleep past the session: how many partitions went on without the sleeper."""
    found = []
    with _over(evidence) as sql:
        for each in sleeps:
            moments = {"began": each.began_ms, "session": SESSION_S * 1000, "ended": each.ended_ms}
            row = sql.execute(_TAKEN_OVER, moments).fetchone()
            advanced, partitions = row or (0, 0)
            slept = (each.ended_ms - each.began_ms) / 1000
            found.append(
                {
                    "worker": each.target,
                    "slept_s": round(slept, 1),
                    "partitions": partitions,
                    "advanced_meanwhile": advanced,
                }
            )
    return found


def zombie_builders(built: DerivedEvidence, sleeps: Sequence[Sleep]) -> list[dict[str, object]]:
    """Per sleep past the session: how many tables were built after it without the sleeper."""
    found = []
    with duckdb.connect() as sql:
        sql.register("builds", built.builds)
        for each in sleeps:
            moments = {"began": each.began_ms, "session": SESSION_S * 1000, "ended": each.ended_ms}
            row = sql.execute(_BUILT_MEANWHILE, moments).fetchone()
            slept = (each.ended_ms - each.began_ms) / 1000
            found.append(
                {
                    "worker": each.target,
                    "slept_s": round(slept, 1),
                    "tables_built_meanwhile": row[0] if row else 0,
                }
            )
    return found


def zombie_maintainers(
    maintained: MaintenanceEvidence, sleeps: Sequence[Sleep]
) -> list[dict[str, object]]:
    """Per sleep past the session: how many jobs ended after it without the sleeper."""
    found = []
    with _over(maintained) as sql:
        for each in sleeps:
            moments = {"began": each.began_ms, "session": SESSION_S * 1000, "ended": each.ended_ms}
            row = sql.execute(_MAINTAINED_MEANWHILE, moments).fetchone()
            slept = (each.ended_ms - each.began_ms) / 1000
            found.append(
                {
                    "worker": each.target,
                    "slept_s": round(slept, 1),
                    "jobs_meanwhile": row[0] if row else 0,
                }
            )
    return found


def jobs(maintained: MaintenanceEvidence) -> dict[str, int]:
    """What maintenance did, how often, and how many objects nothing names in the end."""
    with _over(maintained) as sql:
        return dict(sql.execute(_JOBS).fetchall())


def _of(service: str, sleeps: Sequence[Sleep]) -> list[Sleep]:
    return [each for each in sleeps if each.target.partition("-")[0] == service]


def _derived(built: DerivedEvidence, seconds: float | None) -> dict[str, Any]:
    with duckdb.connect() as sql:
        sql.register("builds", built.builds)
        sql.register("comparisons", built.comparisons)
        row = sql.execute(_DERIVED_COUNTS).fetchone() or (0, 0, 0)
    tables, rows, builds = row
    return {"tables": tables, "rows": rows, "builds_seen": builds, "caught_up_s": seconds}


def report(
    *,
    seed: int,
    rate: float,
    plan: Sequence[Round],
    run: Run,
    traffic: Traffic,
    evidence: Evidence | None,
    built: DerivedEvidence | None,
    maintained: MaintenanceEvidence | None,
    violations: Sequence[Violation],
    growths: Sequence[Growth],
    left_out: Mapping[str, str],
    machine: Machine,
    seconds: Mapping[str, float],
    kept: str | None,
) -> dict[str, Any]:
    """The JSON object. Without its three kinds of evidence the run did not come to its audit."""
    grown = [each.process for each in growths if not each.bounded]
    ok = run.stalled is None and not violations and not grown and evidence is not None
    return {
        "name": "chaos",
        "format": FORMAT,
        "verdict": "clean" if ok else "violated",
        "seed": seed,
        "rounds": len(run.rounds),
        "rounds_planned": len(plan),
        "rate": rate,
        "rate_reached": round(traffic.counts["begun"] / traffic.seconds, 1)
        if traffic.seconds
        else None,
        "rules": len(RULES) + len(derived_audit.RULES) + len(maintenance_audit.RULES),
        "violations": [asdict(each) for each in violations],
        "stalled": run.stalled,
        "grown": grown,
        "faults": dict(sorted(run.done.items())),
        "left_out": dict(left_out),
        "zombies": [] if evidence is None else zombies(evidence, _of("stream_writer", run.sleeps)),
        "zombie_builders": []
        if built is None
        else zombie_builders(built, _of("transformer", run.sleeps)),
        "zombie_maintainers": []
        if maintained is None
        else zombie_maintainers(maintained, _of("maintainer", run.sleeps)),
        "maintenance": {} if maintained is None else jobs(maintained),
        "counts": {} if evidence is None else counts(evidence),
        "derived": {} if built is None else _derived(built, run.derived_s),
        "memory": [asdict(each) for each in growths],
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "run": [asdict(each) for each in run.rounds],
        "machine": asdict(machine),
        "kept": kept,
    }


def text(made: Mapping[str, Any]) -> Any:
    """The report for people."""
    rounds = table(
        (">round", "faults", ">seconds", ">ready after", ">settled after"),
        [
            [
                cell(each["number"]),
                cell(", ".join(each["faults"])),
                *(cell(each[name]) for name in ("seconds", "ready_s", "settled_s")),
            ]
            for each in made["run"]
        ],
    )
    faults = table(("fault", ">times"), [[cell(k), cell(v)] for k, v in made["faults"].items()])
    figures = table(("what", ">count"), [[cell(k), cell(v)] for k, v in made["counts"].items()])
    derived = table(("derived", ">count"), [[cell(k), cell(v)] for k, v in made["derived"].items()])
    maintained = table(
        ("maintenance", ">count"), [[cell(k), cell(v)] for k, v in made["maintenance"].items()]
    )
    memory = table(
        ("process", ">early MiB", ">late MiB", ">peak MiB"),
        [
            [cell(each[name]) for name in ("process", "early_mib", "late_mib", "peak_mib")]
            for each in made["memory"]
        ],
    )
    return stacked(rounds, faults, figures, derived, maintained, memory, Text(verdict(made)))


def verdict(made: Mapping[str, Any]) -> str:
    """In one paragraph: clean, or what is wrong and where to look."""
    where = made["machine"]
    head = (
        f"seed {made['seed']}, {made['rounds']} rounds at {made['rate']:g} webhooks a second, "
        f"{where['cores']} cores of {where['cpu']}, {where['memory_gib']} GiB"
    )
    lines = [f"{head}: {made['verdict']}"]
    lines += [f"left out: {what}: {why}" for what, why in made["left_out"].items()]
    if made["stalled"]:
        lines.append(f"stalled: {made['stalled']}")
    lines += [
        f"violated: {each['rule']}: {each['count']} times, for example {each['examples'][:1]}"
        for each in made["violations"]
    ]
    lines += [f"grew without bound: {name}" for name in made["grown"]]
    if made["kept"]:
        lines.append(f"logs, data and ledger are kept in {made['kept']}")
    return "\n".join(lines)


def _over(evidence: Evidence | MaintenanceEvidence) -> duckdb.DuckDBPyConnection:
    sql = duckdb.connect()
    for name in evidence.__dataclass_fields__:
        sql.register(name, getattr(evidence, name))
    return sql
