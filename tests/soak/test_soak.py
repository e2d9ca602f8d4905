"""Half a minute of it: the same run as the long one, with nothing left behind and nothing wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.rows import TABLES_SOAKED
from tests.soak.writers import STREAMS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(400)


def test_a_short_soak_is_clean() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--minutes", "0.6", "--output", "json"],
        capture_output=True,
        text=True,
        timeout=350,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    made = json.loads(run.stdout)
    assert made["verdict"] == "clean", made["violations"]
    assert made["appends"].keys() == STREAMS.keys()
    assert all(each["committed"] and not each["failed"] for each in made["appends"].values())
    assert made["appends"]["keyed-swap"]["rows_removed"] > 0
    assert made["rows"]["compared"] > made["rows"]["of_older_versions"] > 0
    assert made["rows"]["in_the_end"].keys() == TABLES_SOAKED.keys()
    assert made["maintenance"]["jobs"]["compact"] > 0
    assert made["store"].keys() == TABLES_SOAKED.keys()
    steps = [json.loads(line) for line in run.stderr.splitlines()]
    assert steps[0]["step"] == "starting"
    assert not Path(steps[0]["directory"]).exists(), "a clean run leaves nothing behind"
