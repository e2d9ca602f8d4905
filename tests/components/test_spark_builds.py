"""Spark, a peer of builds, ends where SQL by hand does: after increments, and in full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.bench.builds.agreement import agree
from tests.bench.builds.duckdb_by_hand import Tables as ByHand
from tests.bench.builds.order_history import OrderHistory, Which, parsed
from tests.bench.builds.spark_iceberg import SparkIceberg
from tests.support.maven_jars import Absent

END = datetime(2026, 1, 31, tzinfo=UTC)
AS_OF = datetime(2026, 2, 2, tzinfo=UTC).date()
ORDERS, CHANGED = 2000, 12


@pytest.fixture
def spark(tmp_path: Path) -> Iterator[SparkIceberg]:
    """Spark with no table, where its jars were fetched."""
    try:
        found = SparkIceberg(tmp_path / "spark", AS_OF)
    except Absent as absent:
        pytest.skip(str(absent))
    yield found
    found.stop()


@pytest.mark.skipif(
    not os.environ.get("BERGLINE_TEST_SPARK"),
    reason="two minutes of CPU for a peer: `make spark` runs it; `bench build` compares marts, too",
)
@pytest.mark.timeout(600)
def test_spark_agrees_with_sql_by_hand(spark: SparkIceberg, tmp_path: Path) -> None:
    history = OrderHistory(ORDERS, END, templates=200)
    files: list[Path] = []

    def land(rows: object) -> None:
        files.append(tmp_path / f"{len(files)}.parquet")
        parquet.write_table(rows, files[-1])
        spark.land(files[-1:])

    def by_hand() -> list[list[str | None]]:
        tables = ByHand(tmp_path / f"{len(files)}.duckdb")
        tables.build(full=True, files=[str(path) for path in files], as_of=AS_OF.isoformat())
        rows: list[list[str | None]] = tables.mart()["rows"]
        return rows

    land(history.rows(0, ORDERS))
    spark.start()
    first = spark.full()
    agree("by hand", by_hand(), "Spark", spark.mart())
    for change, which in enumerate((Which.RECENT, Which.RANDOM), start=1):
        numbers = history.chosen(which, CHANGED, change)
        land(parsed(history.versions(numbers, change), ORDERS + CHANGED * change, END))
        cost = spark.incremental()
        agree("by hand", by_hand(), "Spark", spark.mart())
    spark.full()
    agree("by hand", by_hand(), "Spark, in full", spark.mart())
    # The work is done by a Java beside the process that is asked, and counted all the same.
    assert first.cpu > 1
    assert cost.since_start > first.since_start
    assert cost.peak > 1 << 27
