"""Apache Kafka's own programs, run from its jars."""

import hashlib
import subprocess
from pathlib import Path

from tests.support.apache_kafka.jars import jars, java

WITHIN_SECONDS = 60

_LOGGING = Path(__file__).with_name("apache_kafka") / "log4j2.properties"
_SMALL = ("-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=96m", "-Xshare:auto")


def java_command(heap: str) -> list[str]:
    """Java with Kafka's classes, complete but for the class to run.

    Raises:
        Absent: Java or the jars cannot be had.
    """
    logging = f"-Dlog4j2.configurationFile={_LOGGING}"
    return [java(), f"-Xmx{heap}", *_SMALL, logging, "-cp", f"{jars()}/*"]


def _archive() -> list[str]:
    """Options to load classes from an archive beside the jars, which the first tool leaves there.

    It halves what a tool costs. One that is not of this Java is left alone, without a word.
    """
    version = hashlib.sha256(f"{java()} {Path(java()).stat().st_mtime_ns}".encode()).hexdigest()
    kept = jars().with_name(f"{jars().name}-{version[:12]}.jsa")
    use = "SharedArchiveFile" if kept.exists() else "ArchiveClassesAtExit"
    return [f"-XX:{use}={kept}", "-Xlog:disable"]


def run_tool(name: str, *arguments: str, stdin: str = "") -> str:
    """What a program prints; an exit code other than 0 fails the test.

    Args:
        name: its class.
        arguments: as on its command line.
        stdin: what it reads.

    Raises:
        Absent: Java or the jars cannot be had.
    """
    # Short-lived: what the second compiler would gain is less than it costs.
    command = [*java_command("128m"), "-XX:TieredStopAtLevel=1", *_archive(), name, *arguments]
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=WITHIN_SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join([name, *arguments])}\n{done.stdout}\n{done.stderr}"
    return done.stdout
