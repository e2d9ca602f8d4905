"""What tests start ends with them, even when they are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.embedded.processes import created, wait_gone

STARTER = """
import subprocess, sys
from tests.support.tied import tied
child = subprocess.Popen(tied(sys.executable, "-c", "print('here', flush=True); input()"),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
input()
"""


def test_a_killed_test_process_takes_what_it_started_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        born = created(child)
        starter.kill()
    assert wait_gone(child, born)
