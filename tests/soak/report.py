"""What a soak tells: one JSON object, or tables for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from shared.cli.output import table
from tests.bench.report import Machine
from tests.soak.growth import growths
from tests.soak.judge import Evidence, judge
from tests.soak.ledger import Entry

FORMAT = 1


def report(evidence: Evidence, machine: Machine, cores: float, kept: str) -> dict[str, Any]:
    """All figures, and the verdict.

    Args:
        evidence: of the run.
        machine: where it ran.
        cores: that all processes used on average.
        kept: the directory, which stays when the verdict is ``broken``.
    """
    violations = judge(evidence)
    maintenance = asdict(evidence.maintenance)
    return {
        "format": FORMAT,
        "verdict": "broken" if violations else "clean",
        "violations": [asdict(each) for each in violations],
        "seconds": round(evidence.seconds, 1),
        "cores": round(cores, 2),
        "appends": {stream: _appends(each) for stream, each in evidence.entries.items()},
        "rows": {
            "compared": len(evidence.comparisons),
            "of_older_versions": sum(not each.head for each in evidence.comparisons),
            "lost": sum(each.lost for each in evidence.comparisons),
            "resurrected": sum(each.resurrected for each in evidence.comparisons),
            "doubled": sum(each.doubled for each in evidence.comparisons),
            "altered": sum(each.altered for each in evidence.comparisons),
            "in_the_end": {
                each.table: {"rows": each.rows, "sequence": each.sequence, "hash": each.hash}
                for each in evidence.comparisons
                if each.head
            },
        },
        "maintenance": {**maintenance, "jobs": dict(evidence.maintenance.jobs)},
        "store": {
            name: {
                "objects": looks[-1].objects,
                "bytes": looks[-1].bytes,
                "unnamed": looks[-1].unnamed,
                "left_over": len(looks[-1].left_over),
                "missing": len({path for each in looks for path in each.missing}),
                "not_listed": sum(each.not_listed for each in looks),
            }
            for name, looks in evidence.stored.items()
            if looks
        },
        "growth": [
            {**asdict(each), "bounded": each.bounded}
            for name, samples in evidence.samples.items()
            for each in growths(name, evidence.seconds, samples, evidence.stored.get(name, ()))
        ],
        "machine": asdict(machine),
        "kept": kept if violations else None,
    }


def _appends(entries: Sequence[Entry]) -> dict[str, Any]:
    landed = [each for each in entries if each.sequence]
    seconds = sorted(each.seconds for each in landed)
    return {
        "committed": len(landed),
        "failed": sum(1 for each in entries if each.error),
        "rows_added": sum(len(each.added) for each in landed),
        "rows_removed": sum(len(each.removed) for each in landed),
        "conflicts": sum(each.conflicts for each in landed),
        "unknown_outcomes": sum(each.unknowns for each in landed),
        "planned_again": sum(each.plans - 1 for each in landed),
        "files_given_up": sum(len(each.given_up) for each in landed),
        "p50_s": round(statistics.median(seconds), 3) if seconds else None,
        "p99_s": round(seconds[int(0.99 * (len(seconds) - 1))], 3) if seconds else None,
        "slowest_s": round(seconds[-1], 3) if seconds else None,
    }


def text(made: dict[str, Any]) -> Group:
    """The report for people."""
    appends = table(
        ["stream", ">commits", ">failed", ">conflicts", ">again", ">p50 s", ">p99 s", ">slowest s"],
        [
            (
                *(stream, each["committed"], each["failed"], each["conflicts"]),
                *(each["planned_again"], each["p50_s"], each["p99_s"], each["slowest_s"]),
            )
            for stream, each in made["appends"].items()
        ],
    )
    grown = table(
        ["table", "figure", ">first third", ">last third", ">most", ">allowed", ">ceiling", ""],
        [
            (
                *(each["table"], each["name"]),
                *(_figure(each[key]) for key in ("first", "last", "most", "allowed", "ceiling")),
                "" if each["bounded"] else "broken",
            )
            for each in made["growth"]
        ],
    )
    rows, done = made["rows"], made["maintenance"]
    stored = table(
        ["store", ">objects", ">bytes", ">unnamed", ">left over", ">missing", ">not listed"],
        [(name, *(f"{each[key]:,}" for key in each)) for name, each in made["store"].items()],
    )
    jobs = ", ".join(f"{count} {job}" for job, count in sorted(done["jobs"].items()))
    lines = [
        f"{rows['compared']} versions compared, {rows['of_older_versions']} of them older ones: "
        f"{rows['lost']} rows lost, {rows['resurrected']} resurrected, {rows['doubled']} doubled, "
        f"{rows['altered']} altered",
        f"maintenance: {jobs or 'none'}; {len(done['failures'])} failed; "
        f"{done['attempts_wasted']} rewrites given up ({done['bytes_wasted']:,} bytes)",
        f"{done['files_replaced']:,} files became {done['files_written']:,}, "
        f"{done['rows_moved']:,} rows moved, {done['deletes_translated']:,} deletes moved with "
        f"them; {done['files_deleted']:,} files and {done['metadata_deleted']:,} of metadata "
        f"deleted, {done['bytes_freed']:,} bytes freed",
        f"{made['seconds']:.0f} s, {made['cores']:g} cores in use",
    ]
    verdict = [Text(made["verdict"], style="bold green" if not made["violations"] else "bold red")]
    verdict += [Text(f"{each['promise']}: {each['text']}") for each in made["violations"]]
    return Group(appends, Text(), grown, Text(), stored, Text(), Text("\n".join(lines)), *verdict)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.3f}" if 0 < value < 10 and value != int(value) else f"{value:,.0f}"
