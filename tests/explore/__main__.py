"""``python -m tests.explore``: any number of schedules; exit code 1 when one is violated.

Progress goes to standard error, the result to standard output: what was reached, and for every
violation its seed and the smallest schedule that shows it. Such seeds of the commit protocol are
added to the kept ones, which every run of the tests replays; ``--maintenance`` explores compaction,
expiry and deletions instead.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from contextlib import nullcontext

from tests.explore.campaign import chunks
from tests.explore.explorations import EXPLORATIONS, MAINTENANCE, PROTOCOL
from tests.explore.seeds import keep, quiet
from tests.explore.steps import Verdict

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
    parser.add_argument("--maintenance", action="store_true", help="explore maintenance instead")
    known = sorted(name for each in EXPLORATIONS.values() for name in each.mutants)
    parser.add_argument("--mutant", choices=known, help="plant this fault; nothing is kept")
    parser.add_argument("--show", action="store_true", help="print the schedule of --seed, run it")
    options = parser.parse_args()
    name = MAINTENANCE if options.maintenance else PROTOCOL
    if options.mutant is not None and options.mutant not in EXPLORATIONS[name].mutants:
        parser.error(f"{options.mutant} cannot be planted into {name}")
    if "PYTHONHASHSEED" not in os.environ:  # or sets are in another order in every process
        os.environ["PYTHONHASHSEED"] = "0"
        command = [sys.executable, "-m", "tests.explore", *sys.argv[1:]]
        os.execv(sys.executable, command)  # noqa: S606 - this very program again
    if options.show:
        return _show(name, options.seed, options.mutant)
    began, done, cpu_s = time.monotonic(), 0, 0.0
    reached: Counter[str] = Counter()
    violated: list[tuple[int, Verdict]] = []
    for number, seconds, found, counted in chunks(
        name, options.seed, options.schedules, options.jobs, options.mutant
    ):
        done, cpu_s = done + number, cpu_s + seconds
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
        "explored": name,
        "schedules": done,
        "seed": options.seed,
        "cpu_ms_per_schedule": round(1000 * cpu_s / max(done, 1), 3),
        "wall_s": round(time.monotonic() - began, 1),
        "violated": [_report(name, seed, verdict, options.mutant) for seed, verdict in violated],
        "reached": dict(sorted(reached.items())),
    }
    if options.mutant is None and EXPLORATIONS[name].keeps:
        keep(seed for seed, _ in violated)
    _tell(result, options.output)
    return 1 if violated else 0


def _report(name: str, seed: int, verdict: Verdict, mutant: str | None) -> dict[str, object]:
    chosen = EXPLORATIONS[name]
    with chosen.planted(mutant) if mutant else nullcontext():
        smallest = chosen.shrink(chosen.generate(seed))
        says = chosen.run(smallest).violations
    return {
        "seed": seed,
        "violations": verdict.violations,
        "smallest": str(smallest).splitlines(),
        "smallest_violations": says,
    }


def _show(name: str, seed: int, mutant: str | None) -> int:
    quiet()
    chosen = EXPLORATIONS[name]
    schedule = chosen.generate(seed)
    with chosen.planted(mutant) if mutant else nullcontext():
        verdict = chosen.run(schedule)
        print(schedule)
        print("\n".join(verdict.violations) or "nothing violated")
        if verdict.violations:
            print(f"\nsmallest:\n{chosen.shrink(schedule)}")
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
