"""Rows on disk: private, gone when the build is, and gone when its process was killed."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

from services.transformer.building.scratch import Scratch

OWNER = """
import sys, pathlib
from services.transformer.building.scratch import Scratch
scratch = Scratch(pathlib.Path(sys.argv[1]))
(scratch.directory() / "rows").write_text("somebody's")
print("made", flush=True)
sys.stdin.read()
"""


def test_only_its_user_may_enter(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "below")
    made = scratch.directory()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert scratch.directory() == made
    scratch.clear()


def test_it_is_made_when_it_is_needed_and_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "below")
    scratch.sweep()
    scratch.clear()
    assert not (tmp_path / "below").exists()
    (scratch.directory() / "rows").write_text("somebody's")
    scratch.clear()
    assert not list((tmp_path / "below").iterdir())
    assert scratch.directory().is_dir(), "another build"
    scratch.clear()


def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    try:
        for owner in owners:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"made\n"
        dead, _ = owners
        dead.send_signal(signal.SIGKILL)
        dead.wait(20)
        assert len(list(tmp_path.iterdir())) == 2
        Scratch(tmp_path).sweep()
        (left,) = tmp_path.iterdir()
        assert (left / "rows").exists()
    finally:
        for owner in owners:
            owner.kill()
            owner.communicate()
