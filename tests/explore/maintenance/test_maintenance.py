"""Maintenance under schedules of faults: no row, no progress and no file that is needed is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.explore.explorations import EXPLORATIONS, MAINTENANCE
from tests.explore.maintenance.mutants import MUTANTS, planted
from tests.explore.maintenance.schedule import generate, run

SCHEDULES = int(os.environ.get("BERGLINE_TEST_MAINTENANCE_SCHEDULES", "40"))
CAUGHT_WITHIN = 150
"""Most schedules until a planted fault is found."""
FOUND_AT = {
    "map_of_the_head_that_was_read": 7,
    "map_of_the_first_attempt": 7,
    "younger_deletes_left_behind": 7,
    "staying_positions_lost": 7,
    "staying_positions_of_the_first_attempt": 7,
    "files_used_after_an_unknown_outcome": 10,
    "orphans_of_any_age": 14,
    "tags_do_not_hold": 4,
    "unreferenced_without_a_second_look": 46,
    "all_of_a_removed_snapshot_swept": 38,
    "changed_rows_restamped": 21,
}
"""The first seed that shows a fault, tried before the others; a changed generator moves them."""
REACHED = {
    "compacted",
    "translated",
    "overtaken",
    "expired",
    "deleted by expiry",
    "deleted as orphans",
    "killed",
    "put back",
    "taken, and nobody was told",
}
"""What even few schedules must bring about, or they prove less than they say."""


pytestmark = [
    pytest.mark.timeout(900),  # seconds of work, which a busy machine makes minutes
    pytest.mark.usefixtures("quiet_log"),
]


def test_no_schedule_loses_anything() -> None:
    """With the same seeds in every run; `make explore` tries as many as it is given time for."""
    reached: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        verdict = run(generate(seed))
        assert not verdict.violations, EXPLORATIONS[MAINTENANCE].explain(seed)
        reached += verdict.reached
    assert not REACHED - reached.keys()


def test_a_seed_is_always_the_same_schedule() -> None:
    assert generate(7) == generate(7)
    assert run(generate(7)).reached == run(generate(7)).reached


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_fault_is_found(mutant: str) -> None:
    seeds = (FOUND_AT.get(mutant, 0), *range(CAUGHT_WITHIN))
    with planted(mutant):
        found = next((s for s in seeds if run(generate(s)).violations), None)
    assert found is not None, "the exploration is too weak to find this"


def test_an_exploration_tells_what_it_did() -> None:
    command = [sys.executable, "-m", "tests.explore", "--maintenance", "--schedules", "2"]
    command += ["--jobs", "1", "--output", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    result = json.loads(ended.stdout)
    assert (result["explored"], result["schedules"]) == ("maintenance", 2), ended.stderr
