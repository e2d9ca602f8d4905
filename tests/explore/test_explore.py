"""The commit protocol under any schedule of faults: the table is exactly what the logs held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.explore.explorations import EXPLORATIONS, PROTOCOL
from tests.explore.mutants import MUTANTS, planted
from tests.explore.schedule import Schedule, generate, run, shrink
from tests.explore.seeds import kept
from tests.explore.steps import Step
from tests.explore.world import FAULTS

SCHEDULES = int(os.environ.get("BERGLINE_TEST_SCHEDULES", "1000"))
CAUGHT_WITHIN = 2000
"""Most schedules until a planted fault is found."""
FOUND_AT = {
    "statements_not_counted": 203,
    "foreign_left_alone_by_thinning": 334,
    "overlap_taken_for_the_same_log": 671,
}
"""The first seed that shows a fault, tried before the others; a changed generator moves them."""


pytestmark = pytest.mark.usefixtures("quiet_log")


def test_no_schedule_violates_the_table() -> None:
    """With the same seeds in every run; `make explore` tries as many as it is given time for."""
    reached: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        verdict = run(generate(seed))
        assert not verdict.violations, EXPLORATIONS[PROTOCOL].explain(seed)
        reached += verdict.reached
    missed = {f"{kind}: {effect or 'others'}" for kind, effect in FAULTS} - reached.keys()
    assert not missed, "some faults are never met: the exploration proves less than it says"


FOUND = {
    "rolled back to a foreign snapshot whose parent was thinned away": Schedule(
        1,
        1,
        (
            Step("go", (0, 0, 0, 0)),
            Step("flow", (0, 1, 0, 0)),
            Step("foreign", (0,)),
            Step("wait", (30,)),
            Step("flow", (0, 1, 0, 0)),
            Step("roll_back", (1,)),
        ),
    ),
    "made anew between the commit of one worker and the fetch of another": Schedule(
        2,
        1,
        (
            Step("go", (0, 0, 0, 0)),
            Step("rebalance", (2,)),
            Step("go", (1, 0, 0, 0)),
            Step("flow", (0, 1, 0, 0)),
            Step("recreate", (0, 0)),
            Step("flow", (1, 1, 0, 0)),
        ),
    ),
    "stated anew while what was read before is being committed": Schedule(
        1,
        1,
        (
            Step("go", (0, 0, 0, 0)),
            Step("append", (0, 6)),
            Step("fetch", (0, 0, 6, 0)),
            Step("go", (0, 1, 0, 0)),
            Step("recreate", (0, 0)),
            Step("adopt", (0, 0, 0)),
            Step("flow", (0, 0, 0, 0)),
        ),
    ),
    "one statement rolled back and another one made while a commit is under way": Schedule(
        1,
        1,
        (
            Step("maintain"),
            Step("adopt", (0, 0, 0)),
            Step("flow", (0, 0, 0, 0)),
            Step("roll_back", (1,)),
            Step("flow", (0, 1, 1, 2)),
            Step("recreate", (0, 0)),
            Step("adopt", (0, 0, 0)),
        ),
    ),
    "a snapshot that another engine expired is thinned by who still remembers it": Schedule(
        2,
        2,
        (
            Step("go", (1, 0, 0, 0)),
            Step("flow", (1, 1, 0, 0)),
            Step("maintain"),
            Step("wait", (30,)),
            Step("go", (1, 0, 0, 0)),
            Step("expire", (1,)),
            Step("go", (0, 0, 0, 0)),
            Step("flow", (1, 1, 0, 0)),
        ),
    ),
    "an offset without a record, read before the topic is made anew, fits both logs": Schedule(
        2,
        1,
        (
            Step("flow", (0, 3, 0, 0)),
            Step("trim", (0, 3)),
            Step("flow", (0, 1, 0, 0)),
            Step("fetch", (0, 0, 1, 0)),
            Step("flow", (1, 3, 0, 0)),
            Step("recreate", (0, -3)),
            Step("go", (0, 0, 0, 0)),
        ),
    ),
    "made anew while the record at its tail is waited for": Schedule(
        2,
        2,
        (
            Step("go", (1, 0, 0, 0)),
            Step("flow", (0, 0, 0, 0)),
            Step("flow", (1, 1, 0, 0)),
            Step("flow", (0, 0, 0, 0)),
            Step("wait", (14,)),
            Step("go", (0, 3, 0, 0)),
            Step("recreate", (0, -4)),
            Step("go", (0, 0, 0, 0)),
            Step("flow", (0, 2, 0, 0)),
        ),
    ),
    "stated when positions were lost, and late, to a catalog from a backup that has them": Schedule(
        1,
        1,
        (
            Step("go", (0, 0, 0, 0)),
            Step("flow", (0, 1, 0, 0)),
            Step("flow", (0, 1, 0, 0)),
            Step("roll_back", (1,)),
            Step("foreign", (0,)),
            Step("expire", (1,)),
            Step("adopt", (0, 4, 1)),
            Step("roll_back", (0,)),
            Step("restore", (2,)),
        ),
    ),
} | {f"seed {seed}": generate(seed) for seed in kept()}
"""Schedules that once showed a fault."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_stays_away(name: str) -> None:
    verdict = run(FOUND[name])
    assert not verdict.violations, f"{shrink(FOUND[name])}"


def test_a_seed_is_always_the_same_schedule() -> None:
    assert generate(7) == generate(7)
    assert run(generate(7)).reached == run(generate(7)).reached


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_fault_is_found(mutant: str) -> None:
    seeds = (FOUND_AT.get(mutant, 0), *range(CAUGHT_WITHIN))
    with planted(mutant):
        found = next((s for s in seeds if run(generate(s)).violations), None)
    assert found is not None, "the exploration is too weak to find this"


def test_a_violation_is_shown_by_few_steps() -> None:
    with planted("map_of_the_first_head"):
        seed = next(s for s in range(CAUGHT_WITHIN) if run(generate(s)).violations)
        smallest = shrink(generate(seed))
        assert run(smallest).violations
    assert len(smallest.steps) <= 8
    assert not run(smallest).violations, "it is the planted fault that is shown"


def test_an_exploration_by_two_processes_tells_what_it_finds() -> None:
    command = [sys.executable, "-m", "tests.explore", "--schedules", "30", "--jobs", "2"]
    command += ["--mutant", "own_commit_not_looked_for", "--output", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 1, ended.stderr
    result = json.loads(ended.stdout)
    assert result["reached"]["flow"] > 0
    assert "happened twice" in result["violated"][0]["smallest_violations"][0]
