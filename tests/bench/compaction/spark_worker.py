"""The working side of :mod:`~.spark`: one Spark that stays."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.lake.maintenance.policy import MaintenancePolicy
from tests.bench.builds.spark_session import SparkSession
from tests.bench.builds.worker import serve

_CATALOG = "spark.sql.catalog.lake"


class Session:
    """A Spark and its catalog.

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
