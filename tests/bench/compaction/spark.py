"""A peer: Iceberg's ``rewrite_data_files`` in Spark, on the same catalog.

Its jars for object stores come from Maven beside Spark's own, pinned by checksum.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.bench.builds.spark_session import (
    ICEBERG_VERSION,
    SPARK_VERSION,
    class_path,
)
from tests.bench.compaction.contestant import Compactor
from tests.bench.peers.java_catalog import java_catalog
from tests.support.maven_jars import Absent, jars
from tests.support.storage import StorageProcess

PROJECT = Path(__file__).with_name("spark_s3")


def compacting_class_path(into: Path, *, fetch: bool = False) -> str:
    """Spark, Iceberg, and what Iceberg needs for S3.

    Args:
        into: directory for what is compiled.
        fetch: whether to fetch the jars where they are not in the cache.

    Raises:
        Absent: they are not there, or Java is not; says what would help.
    """
    classes = class_path(into, fetch=fetch)
    try:
        return f"{classes}:{jars(PROJECT, fetch=fetch)}/*"
    except Absent as reason:
        raise Absent(f"{reason}; `make spark` fetches them") from reason


class Spark(Compactor):
    """A procedure call in a session that stays."""

    name: ClassVar[str] = "spark"
    title: ClassVar[str] = f"Spark {SPARK_VERSION} with Iceberg {ICEBERG_VERSION}"

    def __init__(self, directory: Path, storage: StorageProcess) -> None:
        super().__init__(directory, storage)
        self._classes = compacting_class_path(directory)

    @property
    def command(self) -> Sequence[str]:
        return [
            sys.executable,
            "-m",
            "tests.bench.compaction.spark_worker",
            self._classes,
            str(self.directory),
        ]

    @property
    def lake(self) -> Mapping[str, Any]:
        return java_catalog(self.storage.settings)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        try:
            compacting_class_path(Path(directory), fetch=True)
        except Absent as reason:
            sys.exit(f"error: {reason}")
    print(jars(PROJECT))
