"""Directories for temporary files go with their process, and nobody else's do."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from shared.lake.maintenance.scratch import PREFIX, remove_abandoned, scratch_directory

HOLDS_ONE = """
import signal, sys
from shared.lake.maintenance.scratch import scratch_directory
with scratch_directory() as directory:
    (directory / "run").write_bytes(b"rows")
    print(directory, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(temporary: Path) -> Holder:
    return Holder(temporary)


class Holder:
    """Another process that holds a directory."""

    def __init__(self, temporary: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLDS_ONE],
            stdout=subprocess.PIPE,
            env={"TMPDIR": str(temporary), "PATH": "/usr/bin:/bin"},
            cwd=Path(__file__).parents[4],
            text=True,
        )
        assert self._process.stdout is not None
        self.directory = Path(self._process.stdout.readline().strip())

    def kill(self) -> None:
        self._process.kill()
        assert self._process.wait(10) == -signal.SIGKILL
        assert self._process.stdout is not None
        self._process.stdout.close()


def test_it_is_gone_when_it_is_not_needed_any_more(temporary: Path) -> None:
    with scratch_directory() as directory:
        assert directory.parent == temporary
        (directory / "run").write_bytes(b"rows")
    assert not directory.exists()


def test_it_is_gone_after_an_error() -> None:
    with pytest.raises(OSError, match="full"), scratch_directory() as directory:
        raise OSError("full")
    assert not directory.exists()


def test_the_next_one_removes_what_a_killed_process_left(holder: Holder) -> None:
    with scratch_directory():
        assert holder.directory.is_dir(), "its process lives"
    holder.kill()
    assert holder.directory.is_dir()
    with scratch_directory() as own:
        assert not holder.directory.exists()
        assert own.is_dir()


def test_those_of_this_process_are_in_use_too() -> None:
    with scratch_directory() as one, scratch_directory() as other:
        assert remove_abandoned() == []
        assert one.is_dir()
        assert other.is_dir()


def test_what_only_looks_alike_stays(temporary: Path) -> None:
    file, link = temporary / f"{PREFIX}file", temporary / f"{PREFIX}link"
    file.write_bytes(b"")
    behind = temporary / "elsewhere"
    behind.mkdir()
    link.symlink_to(behind)
    assert remove_abandoned() == []
    assert file.exists()
    assert link.exists()


def test_nobody_loses_one_while_others_clean_up() -> None:
    """Between being made and being locked it looks abandoned."""
    over = threading.Event()

    def clean() -> None:
        while not over.is_set():
            remove_abandoned()

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for _ in range(300):
            with scratch_directory() as directory:
                (directory / "run").write_bytes(b"rows")
                assert (directory / "run").read_bytes() == b"rows"
    finally:
        over.set()
        cleaner.join()
