"""Fetches Apache Kafka's jars once per user and checks each against its pinned checksum.

Maven does the fetching, from whatever repositories it is set up with; what it brings counts only
when names and SHA-256 sums are exactly those of ``jars.sha256``. The jars (45 MB) stay in the
user's cache directory.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSION = "4.3.1"
OLDEST_JAVA = 17
FETCH_WITHIN_SECONDS = 600

_HERE = Path(__file__).parent
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class Absent(Exception):
    """Apache Kafka cannot be had on this machine; the message says why and what would help."""


@functools.cache
def java() -> str:
    """The Java program.

    Raises:
        Absent: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=f"{home}/bin" if home else None)
    if program is None:
        raise Absent(f"Java is not installed; Apache Kafka needs a JRE {OLDEST_JAVA} or newer")
    told = subprocess.run(
        [program, "-XshowSettings:properties", "-version"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stderr
    version = next(line for line in told.splitlines() if "java.specification.version =" in line)
    number = version.rpartition("=")[2].strip()
    if float(number) < OLDEST_JAVA:
        raise Absent(f"{program} is Java {number}; Apache Kafka needs {OLDEST_JAVA} or newer")
    return program


@functools.cache
def jars(*, fetch: bool = True) -> Path:
    """The directory with the checked jars, and nothing else.

    Args:
        fetch: whether to fetch what is not in the cache.

    Raises:
        Absent: they are not in the cache, and may not or could not be fetched.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bergline"
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"kafka-{VERSION}"
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.is_dir() and not difference(kept):
            return kept
        if not fetch:
            raise Absent("Apache Kafka was not fetched yet; `make broker-conformance` does")
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            fetched = Path(directory) / "jars"
            _fetch(fetched)
            wrong = difference(fetched)
            if wrong:
                raise Absent(f"Maven brought other jars than jars.sha256 names: {wrong}")
            shutil.rmtree(kept, ignore_errors=True)
            fetched.replace(kept)
    return kept


def difference(directory: Path) -> str:
    """What differs between a directory and ``jars.sha256``; empty when nothing does."""
    lines = (_HERE / "jars.sha256").read_text().splitlines()
    pinned = {name: digest for digest, name in (line.split() for line in lines)}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }
    names = sorted(
        name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name)
    )
    return ", ".join(names)


def _fetch(directory: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Absent("Maven (mvn) is not installed; it fetches Apache Kafka's jars")
    # A copy: Maven writes beside the file that it is given.
    project = Path(shutil.copy(_HERE / "pom.xml", directory.parent))
    wanted = ["-DincludeScope=runtime", f"-DoutputDirectory={directory}"]
    done = subprocess.run(
        [maven, "-B", "-ntp", "-q", "-f", project, _COPY, *wanted],
        capture_output=True,
        text=True,
        timeout=FETCH_WITHIN_SECONDS,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise Absent("Maven could not fetch Apache Kafka: " + (said[0] if said else "it is silent"))
