"""Jars of a pinned Maven project, fetched once per user and checked against pinned checksums.

A folder holds ``pom.xml`` and ``jars.sha256``. Maven does the fetching, from whatever repositories
it is set up with; what it brings counts only when names and SHA-256 sums are exactly those of the
list. Kept in ``$XDG_CACHE_HOME/bergline`` (``~/.cache/bergline``), outside every checkout.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FETCH_WITHIN_SECONDS = 600

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class Absent(Exception):
    """A program cannot be had on this machine; the message says why and what would help."""


def jars(folder: Path, *, fetch: bool = True) -> Path:
    """The directory with the checked jars of a project, and nothing else.

    Args:
        folder: the project.
        fetch: whether to fetch what is not in the cache.

    Raises:
        Absent: they are not in the cache, and may not or could not be fetched.
    """
    pinned = (folder / "jars.sha256").read_text()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bergline"
    cache.mkdir(parents=True, exist_ok=True)
    name = f"{folder.name}-{hashlib.sha256(pinned.encode()).hexdigest()[:12]}"
    kept = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.is_dir() and sums(kept) == pinned:
            return kept
        if not fetch:
            raise Absent(f"the jars of {folder.name} were not fetched yet")
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            fetched = Path(directory) / "jars"
            _fetch(folder, fetched)
            if sums(fetched) != pinned:
                raise Absent(f"Maven brought other jars than {folder.name}/jars.sha256 names")
            shutil.rmtree(kept, ignore_errors=True)
            fetched.replace(kept)
    return kept


def sums(directory: Path) -> str:
    """SHA-256 and name of every file, as ``sha256sum`` prints them, in the order of names."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(directory.iterdir())
    )


def _fetch(folder: Path, into: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Absent(f"Maven (mvn) is not installed; it fetches the jars of {folder.name}")
    # A copy: Maven writes beside the file that it is given.
    project = shutil.copy(folder / "pom.xml", into.parent)
    wanted = ["-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    done = subprocess.run(
        [maven, "-B", "-ntp", "-q", "-f", project, _COPY, *wanted],
        capture_output=True,
        text=True,
        timeout=FETCH_WITHIN_SECONDS,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise Absent(f"Maven could not fetch {folder.name}: " + (said[0] if said else "silently"))
