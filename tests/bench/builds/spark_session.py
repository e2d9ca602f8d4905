"""Spark SQL with Iceberg: its jars, and a process of it that answers statements.

The jars (332 MB) come from Maven, pinned by checksum, and only when asked for: ``make spark``
fetches them. Nothing else does, so whoever wants Spark finds out here that it is not there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.bench.peers.java import LOGGING, compiled, environment
from tests.support.apache_kafka.jars import Absent, java
from tests.support.maven_jars import jars

PROJECT = Path(__file__).with_name("spark")
SPARK_VERSION = "4.1.3"
ICEBERG_VERSION = "1.12.0"
HEAP = "4g"
_STOPS_WITHIN_S = 15

# What Spark's own start scripts open on this Java (org.apache.spark.launcher.JavaModuleOptions).
_OPEN = [
    f"--add-opens=java.base/{name}=ALL-UNNAMED"
    for name in (
        *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio"),
        *("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref"),
        *("sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"),
    )
]
_OPTIONS = (
    *("--add-modules=jdk.incubator.vector", "-XX:+IgnoreUnrecognizedVMOptions"),
    *("-Djdk.reflect.useDirectMethodHandle=false", "-Dio.netty.tryReflectionSetAccessible=true"),
)


def class_path(into: Path, *, fetch: bool = False) -> str:
    """Spark, Iceberg and the program that answers statements, compiled.

    Args:
        into: directory for the compiled program.
        fetch: whether to fetch the jars where they are not in the cache.

    Raises:
        Absent: they are not there, or Java is not; says what would help.
    """
    java()  # first, as the better reason
    try:
        classes = f"{jars(PROJECT, fetch=fetch)}/*"
    except Absent as reason:
        raise Absent(f"{reason}; `make spark` fetches them (332 MB)") from reason
    return compiled(PROJECT / "SparkSql.java", classes, into)


class SparkSession:
    """A Spark in a process of its own, with two threads that work and no port open to others.

    Args:
        classes: from :func:`class_path`.
        directory: for what it spills.
        settings: of its configuration, beside those that every session has.
        options: of the JVM, beside those that every session has.
    """

    LOCAL: ClassVar[Mapping[str, str]] = {
        "spark.master": "local[2]",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
    }

    def __init__(
        self,
        classes: str,
        directory: Path,
        settings: Mapping[str, str],
        options: Sequence[str] = (),
    ) -> None:
        told = {
            **self.LOCAL,
            "spark.local.dir": str(directory),
            "spark.sql.warehouse.dir": str(directory / "warehouse"),
            **settings,
        }
        self._process = subprocess.Popen(
            [
                *(java(), f"-Xmx{HEAP}", "-XX:+UseParallelGC", *options, *_OPTIONS, *_OPEN),
                *(f"-Dlog4j2.configurationFile={LOGGING}", "-Duser.timezone=UTC"),
                *("-cp", classes, "SparkSql"),
                *(f"{name}={value}" for name, value in told.items()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment(), "SPARK_LOCAL_IP": "127.0.0.1"},
        )

    def sql(self, statement: str) -> list[list[str | None]]:
        """Run a statement; its rows, their values as text.

        Raises:
            RuntimeError: Spark refused it, or ended.
        """
        return self._ask({"sql": statement})

    def keep(self, name: str, select: str) -> None:
        """Keep the rows of a SELECT in the driver, as a view that no later change changes.

        Raises:
            RuntimeError: as with :meth:`sql`.
        """
        self._ask({"sql": select, "as": name})

    def peak(self) -> int:
        """Its largest resident bytes so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        told = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(told.split()[1]) * 1024

    def close(self) -> None:
        """End it: it ends by itself with its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, asked: Mapping[str, str]) -> list[list[str | None]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"Spark ended with exit code {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise RuntimeError(f"Spark: {told['error']}: {' '.join(asked['sql'].split())[:300]}")
        rows: list[list[str | None]] = told["rows"]
        return rows


if __name__ == "__main__":
    try:
        java()
        print(jars(PROJECT))
    except Absent as reason:
        sys.exit(f"error: {reason}")
