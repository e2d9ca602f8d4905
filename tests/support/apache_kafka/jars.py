"""Apache Kafka's jars (45 MB), and the Java that runs them."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from tests.support import maven_jars
from tests.support.maven_jars import Absent

__all__ = ["Absent", "jars", "java"]

OLDEST_JAVA = 17


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
    return maven_jars.jars(Path(__file__).parent, fetch=fetch)
