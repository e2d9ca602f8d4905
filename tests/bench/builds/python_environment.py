"""Python environments of peers, made once from pinned requirements.

They come from whatever index pip is set up with, and are kept in ``$XDG_CACHE_HOME/bergline``
(``~/.cache/bergline``), outside every checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.maven_jars import Absent

INSTALL_WITHIN_SECONDS = 600


def python(requirements: Path) -> Path:
    """The interpreter of an environment with exactly these packages, made if it is not there.

    Args:
        requirements: a complete list for pip; the environment is named after its folder.

    Raises:
        Absent: it could not be made.
    """
    pinned = requirements.read_text()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bergline"
    cache.mkdir(parents=True, exist_ok=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    who = requirements.parent.name
    name = f"{who}-py{version}-{hashlib.sha256(pinned.encode()).hexdigest()[:12]}"
    home, done = cache / name, cache / name / "complete"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(home, ignore_errors=True)
            _make(home, requirements, who)
            done.touch()
    return home / "bin" / "python"


def _make(home: Path, requirements: Path, who: str) -> None:
    own = home / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(home)],
        [
            *(str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "-r", str(requirements)),
        ],
    ):
        try:
            made = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_WITHIN_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Absent(f"{who}'s environment was not there in {error.timeout:g} s") from error
        if made.returncode:
            said = made.stderr.strip().splitlines()
            raise Absent(f"{who}'s environment could not be made: " + (said[-1] if said else "?"))
