"""A peer: Iceberg's ``rewrite_data_files`` in Spark, on the same catalog.

Its jars for object stores come from Maven beside Spark's own, pinned by checksum.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from shared.lake.maintenance.policy import MaintenancePolicy
from tests.bench.builds.spark_session import (
    ICEBERG_VERSION,
    SPARK_VERSION,
    SparkSession,
    class_path,
)
from tests.bench.builds.worker import serve
from tests.bench.compaction.contestant import Compactor
from tests.bench.peers.java_catalog import java_catalog
from tests.support.maven_jars import Absent, jars
from tests.support.storage import StorageProcess

PROJECT = Path(__file__).with_name("spark_s3")
_CATALOG = "spark.sql.catalog.lake"


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
        return [sys.executable, "-m", __name__, self._classes, str(self.directory)]

    @property
    def lake(self) -> Mapping[str, Any]:
        return java_catalog(self.storage.settings)


class Session:
    """The working side.

    Args:
        classes: class path of Spark.
        directory: for what it spills.
    """

    def __init__(self, classes: str, directory: Path) -> None:
        settings = {_CATALOG: "org.apache.iceberg.spark.SparkCatalog", f"{_CATALOG}.type": "rest"}
        self._spark = SparkSession(classes, directory, settings)

    def open(self, lake: Mapping[str, str]) -> Mapping[str, Any]:
        """Reach the catalog. Its secrets are no arguments of a process: everybody sees those."""
        for name, value in lake.items():
            self._spark.sql(f"set `{_CATALOG}.{name}`=`{value}`")
        self._spark.sql("show namespaces in lake")
        return {"peak": self._spark.peak()}

    def prepare(self, table: str) -> None:
        """Give the column ``_partition`` another name: Iceberg in Spark writes no table with it."""
        self._spark.sql(f"alter table lake.{table} rename column _partition to kafka_partition")

    def compact(self, table: str) -> Mapping[str, Any]:
        """Rewrite small files of a table to the same size as ours does."""
        self._spark.sql(
            f"call lake.system.rewrite_data_files(table => '{table}', options => "
            f"map('target-file-size-bytes', '{MaintenancePolicy().target_bytes}'))"
        )
        return {"peak": self._spark.peak()}

    def close(self) -> None:
        """End Spark."""
        self._spark.close()


if __name__ == "__main__":
    session = Session(sys.argv[1], Path(sys.argv[2]))
    serve({"open": session.open, "prepare": session.prepare, "compact": session.compact})
    session.close()
