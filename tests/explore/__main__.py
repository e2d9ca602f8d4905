"""``python -m tests.explore``: any number of schedules; exit code 1 when one is violated.

Progress goes to standard error, the result to standard output: what was reached, and for every
violation its seed and the smallest schedule that shows it. Such seeds are added to the kept ones,
which every run of the tests replays.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from contextlib import nullcontext

from tests.explore.campaign import CHUNK, chunks
from tests.explore.mutants import MUTANTS, planted
from tests.explore.schedule import Verdict, generate, run, shrink
from tests.explore.seeds import keep, quiet

MOST_VIOLATIONS = 20


def main() -> int:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.explore", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first one; then one after another")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes; one a core by default"
    )
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.add_argument(
        "--mutant", choices=sorted(MUTANTS), help="plant this fault; nothing is kept"
    )
    parser.add_argument("--show", action="store_true", help="print the schedule of --seed, run it")
    options = parser.parse_args()
    if options.show:
        return _show(options.seed, options.mutant)
    began, done, cpu_s = time.monotonic(), 0, 0.0
    reached: Counter[str] = Counter()
    violated: list[tuple[int, Verdict]] = []
    for seconds, found, counted in chunks(
        options.seed, options.schedules, options.jobs, options.mutant
    ):
        done, cpu_s = min(done + CHUNK, options.schedules), cpu_s + seconds
        reached += counted
        violated += found
        print(
            f"\r{done:,} of {options.schedules:,} schedules, {1000 * cpu_s / done:.2f} ms each, "
            f"{len(violated)} violated",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if len(violated) >= MOST_VIOLATIONS:
            break
    print(file=sys.stderr)
    quiet()
    result = {
        "schedules": done,
        "seed": options.seed,
        "cpu_ms_per_schedule": round(1000 * cpu_s / max(done, 1), 3),
        "wall_s": round(time.monotonic() - began, 1),
        "violated": [_report(seed, verdict, options.mutant) for seed, verdict in violated],
        "reached": dict(sorted(reached.items())),
    }
    if options.mutant is None:
        keep(seed for seed, _ in violated)
    _tell(result, options.output)
    return 1 if violated else 0


def _report(seed: int, verdict: Verdict, mutant: str | None) -> dict[str, object]:
    with planted(mutant) if mutant else nullcontext():
        smallest = shrink(generate(seed))
        says = run(smallest).violations
    return {
        "seed": seed,
        "violations": verdict.violations,
        "smallest": str(smallest).splitlines(),
        "smallest_violations": says,
    }


def _show(seed: int, mutant: str | None) -> int:
    quiet()
    schedule = generate(seed)
    with planted(mutant) if mutant else nullcontext():
        verdict = run(schedule)
        print(schedule)
        print("\n".join(verdict.violations) or "nothing violated")
        if verdict.violations:
            print(f"\nsmallest:\n{shrink(schedule)}")
    return 1 if verdict.violations else 0


def _tell(result: dict[str, object], output: str) -> None:
    if output == "json":
        print(json.dumps(result))
        return
    violated = result.pop("violated")
    for name, value in result.items():
        print(f"{name}: {value}")
    print(f"violated: {json.dumps(violated, indent=2)}")


if __name__ == "__main__":
    sys.exit(main())
