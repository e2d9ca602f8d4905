"""What a process has started does not outlive it, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from services.transformer.workers.local_ray import REAPER

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

STARTS_ANOTHER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_after_a_kill_the_remembered_descendants_are_killed_and_the_link_is_gone(
    tmp_path: Path,
) -> None:
    link = tmp_path / "short" / "ray"
    link.parent.mkdir()
    link.symlink_to(tmp_path)
    service = subprocess.Popen([sys.executable, "-c", STARTS_ANOTHER])
    until(lambda: bool(psutil.Process(service.pid).children()))
    below = psutil.Process(service.pid).children()
    reaper = subprocess.Popen(
        [sys.executable, "-I", "-S", str(REAPER), str(service.pid), str(link)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert reaper.stdin is not None
    assert reaper.stdout is not None
    reaper.stdin.write(b"\n")
    reaper.stdin.flush()
    assert reaper.stdout.readline() == b"1\n"
    service.kill()
    service.wait()
    assert all(each.is_running() for each in below)
    reaper.stdin.close()
    assert reaper.wait(30) == 0
    reaper.stdout.close()
    _, alive = psutil.wait_procs(below, timeout=30)
    assert alive == []
    assert not link.parent.exists()
    assert tmp_path.exists()
