"""Java programs: their class paths, the little that is compiled here, and how they are started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.apache_kafka.jars import Absent, java
from tests.support.maven_jars import jars

HEAP = "2g"
"""Largest heap; both peers use less unless they are given more."""

LOGGING = Path(__file__).with_name("log4j2.properties")

SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
"""Options of a JVM that ends before its second compiler would pay."""

# What Flink's and Hadoop's start scripts open as well on this Java.
_OPEN = [
    f"--add-opens=java.base/{name}=ALL-UNNAMED"
    for name in ("java.lang", "java.net", "java.nio", "java.util", "sun.nio.ch")
]


def class_path(folder: Path) -> str:
    """All jars of a folder's project.

    Raises:
        Absent: they cannot be had.
    """
    java()  # first, as the better reason
    return f"{jars(folder)}/*"


def compiled(source: Path, classes: str, into: Path) -> str:
    """``classes`` and one source file's own, as a class path.

    Raises:
        Absent: there is no Java compiler.
    """
    home = os.environ.get("JAVA_HOME")
    compiler = shutil.which("javac", path=f"{home}/bin" if home else None)
    if compiler is None:
        raise Absent("the Java compiler (javac) is not installed")
    done = subprocess.run(
        [compiler, "-cp", classes, "-d", into, source], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Absent(f"{source.name} does not compile: {done.stderr.strip()}")
    return f"{into}:{classes}"


def command(classes: str, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
    """The command line of a main class; ``options`` are the JVM's, beside those of all."""
    logging = f"-Dlog4j2.configurationFile={LOGGING}"
    return [java(), f"-Xmx{HEAP}", *options, *_OPEN, logging, "-cp", classes, main, *arguments]


def environment() -> dict[str, str]:
    """Variables of a peer: none of ours."""
    ours = ("BERGLINE_", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
