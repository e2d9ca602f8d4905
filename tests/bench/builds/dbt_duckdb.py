"""A peer: the chain in dbt with its DuckDB adapter, in a Python environment of its own.

The environment is made once from pinned requirements, from whatever index pip is set up with, and
kept in ``$XDG_CACHE_HOME/bergline`` (``~/.cache/bergline``), outside every checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import ClassVar

from tests.bench.builds.contestant import Contestant
from tests.bench.builds.dbt_project import write_project
from tests.support.maven_jars import Absent

REQUIREMENTS = Path(__file__).with_name("dbt") / "requirements.txt"
INSTALL_WITHIN_SECONDS = 600


class DbtDuckDB(Contestant):
    """dbt's incremental models."""

    name: ClassVar[str] = "dbt"
    title: ClassVar[str] = "dbt with dbt-duckdb"

    def __init__(self, directory: Path, as_of: date) -> None:
        super().__init__(directory, as_of)
        self._python = python()
        self._project = directory / "project"

    @property
    def command(self) -> Sequence[str]:
        return [str(self._python), "-m", "tests.bench.builds.dbt_worker", str(self._project)]

    @property
    def environment(self) -> Mapping[str, str]:
        return {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}

    def land(self, files: Sequence[Path]) -> None:
        super().land(files)
        if not self._project.exists():
            write_project(self._project, files[0].parent, self.as_of)


def python() -> Path:
    """The interpreter of dbt's environment, made if it is not there.

    Raises:
        Absent: it could not be made.
    """
    pinned = REQUIREMENTS.read_text()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bergline"
    cache.mkdir(parents=True, exist_ok=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"dbt-py{version}-{hashlib.sha256(pinned.encode()).hexdigest()[:12]}"
    home, done = cache / name, cache / name / "complete"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(home, ignore_errors=True)
            _make(home)
            done.touch()
    return home / "bin" / "python"


def _make(home: Path) -> None:
    own = home / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(home)],
        [
            *(str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "-r", str(REQUIREMENTS)),
        ],
    ):
        try:
            made = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_WITHIN_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Absent(f"dbt's environment was not there within {error.timeout:g} s") from error
        if made.returncode:
            said = made.stderr.strip().splitlines()
            raise Absent("dbt's environment could not be made: " + (said[-1] if said else "?"))
