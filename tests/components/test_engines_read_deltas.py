"""After many changes every engine reads the same rows, and those that were written last."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from pyiceberg.table import Table

from shared.contracts.identity import uuid7
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.maintenance.compaction import compact
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.query import query
from shared.lake.reader import LakeReader
from shared.lake.row_changes import COPY_ON_WRITE, MERGE_ON_READ
from shared.runtime.settings import Settings
from tests.bench.builds.spark_session import SparkSession, class_path
from tests.bench.peers import java
from tests.support.apache_kafka.jars import Absent
from tests.support.derived_lake import MONTHS, DerivedLake, swaps
from tests.support.maven_jars import jars

KEYS = 120
READER = Path(__file__).parent / "java" / "IcebergRows.java"
JARS = Path(__file__).parent.parent / "bench" / "peers" / "connect"
"""A project that has Iceberg's library for generic data among its jars."""

EAGER = FoldingPolicy(delete_commits=5)
Rows = list[tuple[int, int]]


DELTAS, FOLDED, SPILLED = "deltas", "folded now and then", "level 0 spilled now and then"
COMPACTED = "some files compacted beside others"
SWAPS = {DELTAS: 100, FOLDED: 75, SPILLED: 100, COMPACTED: 75, COPY_ON_WRITE: 40}
MERELY_SPILLED = FoldingPolicy(
    spilled_files=1, delete_commits=1000, joined_files=100, joined_deletes=100
)
POLICIES = {
    FOLDED: (30, EAGER),
    SPILLED: (9, FoldingPolicy(spilled_files=4)),
    COMPACTED: (6, MERELY_SPILLED),
}
"""After how many changes a table is folded, and when that is due."""


@pytest.fixture(scope="module", params=list(SWAPS))
def lake(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> DerivedLake:
    """A table of three months after random changes of its rows."""
    mode = COPY_ON_WRITE if request.param == COPY_ON_WRITE else MERGE_ON_READ
    found = DerivedLake(tmp_path_factory.mktemp("lake"), mode)
    for number, (put, removed) in enumerate(swaps(7, SWAPS[request.param], KEYS)):
        found.build(put, removed)
        every, policy = POLICIES.get(request.param, (0, EAGER))
        if every and number % every == every - 1:
            folded = fold(
                found.handle(), found.spec, commit_id=uuid7(), writer="test", policy=policy
            )
            assert folded is not None
        if request.param == COMPACTED and number % 25 == 24:
            compacted_in_part(found)
    return found


def compacted_in_part(lake: DerivedLake) -> None:
    """Two files after the other, so that a delete file names some that go and some that stay."""
    few = MaintenancePolicy(target_bytes=1000, small_share=9.0, least_files=2, least_benefit=0.0)
    report = compact(lake.handle(), lake.spec, few, writer="test", now_ms=4 * 10**12)
    summaries = [each.snapshot.summary for each in report.outcomes if each.snapshot]
    assert any(int(each.get("added-position-deletes", 0)) for each in summaries)


@pytest.fixture(scope="module")
def expected(lake: DerivedLake) -> Rows:
    """What the changes leave, computed without a table."""
    rows: dict[int, int] = {}
    for put, removed in swaps(7, lake.builds, KEYS):
        for key in removed:
            rows.pop(key, None)
        rows |= put
    return sorted(rows.items())


def by_pyiceberg(table: Table) -> Rows:
    found = table.scan(selected_fields=("id", "version")).to_arrow()
    return list(zip(found["id"].to_pylist(), found["version"].to_pylist(), strict=True))


def by_polars(table: Table) -> Rows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # it warns that it has no other one
        return _scanned(table)


def _scanned(table: Table) -> Rows:
    return pl.scan_iceberg(table).select("id", "version").collect().rows()


def by_duckdb(table: Table) -> Rows:
    class Reader(LakeReader):
        def table(self, name: str) -> Table:
            return table

    with query(Reader(Settings()), "select id, version from core.orders") as result:
        return [(int(key), int(version)) for key, version in result.rows()]


def by_chdb(table: Table) -> Rows:
    try:
        chdb = importlib.import_module("chdb")
    except ImportError:
        pytest.skip("chdb is not installed: `pip install chdb` in an environment of your own")
    where = table.location().removeprefix("file://")
    metadata = f"metadata/{Path(table.metadata_location).name}"
    sql = (
        "select id, version from "
        f"icebergLocal('{where}', settings iceberg_metadata_file_path = '{metadata}') format TSV"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)  # it reads nothing outside of where it runs
        lines = str(chdb.query(sql)).splitlines()
    return [(int(key), int(version)) for key, version in (line.split() for line in lines)]


@pytest.mark.parametrize(
    "read",
    [by_pyiceberg, by_polars, by_duckdb, by_chdb],
    ids=lambda read: read.__name__,
)
def test_every_row_is_read_equal(
    lake: DerivedLake, expected: Rows, read: Callable[[Table], Rows]
) -> None:
    assert sorted(read(lake.table)) == expected


class ReferenceImplementation:
    """Iceberg's Java library, whose planning and deletes Spark, Trino and Flink share.

    One process for all tables: to start it and to compile the reader takes longer than to read.
    """

    def __init__(self, classes: str, directory: Path) -> None:
        self._errors = directory / "errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                java.command(classes, str(READER), "id", "version", options=java.SHORT_LIVED),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=java.environment(),
            )

    def rows(self, table: Table) -> Rows:
        """All rows of the table's present snapshot."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{table.metadata_location}\n")
        self._process.stdin.flush()
        found: Rows = []
        while line := self._process.stdout.readline().rstrip("\n"):
            key, version = line.split("\t")
            found.append((int(key), int(version)))
        assert self._process.poll() is None, self._errors.read_text()
        return found

    def close(self) -> None:
        """End it: it ends by itself with its input."""
        self._process.communicate(timeout=15)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceImplementation]:
    """The reference implementation, where its jars were fetched."""
    try:
        classes = f"{jars(JARS, fetch=False)}/*"
        started = ReferenceImplementation(classes, tmp_path_factory.mktemp("reference"))
    except Absent as absent:
        pytest.skip(f"{absent}; `make bench-peers` fetches them")
    yield started
    started.close()


def test_every_row_is_read_equal_by_the_reference_implementation(
    lake: DerivedLake, expected: Rows, reference: ReferenceImplementation
) -> None:
    assert sorted(reference.rows(lake.table)) == expected


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark SQL with Iceberg, where its jars were fetched."""
    directory = tmp_path_factory.mktemp("spark")
    try:
        classes = class_path(directory)
    except Absent as absent:
        pytest.skip(str(absent))
    tables = "spark.sql.catalog.default_iceberg"  # what reads tables by path; Hive, unless said
    session = SparkSession(
        classes,
        directory,
        {
            tables: "org.apache.iceberg.spark.SparkCatalog",
            f"{tables}.type": "hadoop",
            f"{tables}.warehouse": str(directory),
            "spark.sql.shuffle.partitions": "1",
        },
        options=java.SHORT_LIVED,
    )
    yield session
    session.close()


def orders_in(spark: SparkSession, table: Table) -> None:
    """Make the table's present snapshot the view ``orders``."""
    where = table.metadata_location
    spark.sql(f"create or replace temporary view orders using iceberg options (path '{where}')")


def test_every_row_is_read_equal_by_spark(
    lake: DerivedLake, expected: Rows, spark: SparkSession
) -> None:
    orders_in(spark, lake.table)
    rows = spark.sql("select id, version from orders")
    assert sorted((int(str(key)), int(str(version))) for key, version in rows) == expected


def test_spark_counts_filters_and_prunes_without_deleted_rows(
    lake: DerivedLake, expected: Rows, spark: SparkSession
) -> None:
    """Spark has ways of its own for these: file statistics, pushed filters, partitions skipped."""
    orders_in(spark, lake.table)
    newest = max(version for _, version in expected)
    assert spark.sql("select count(*), max(version) from orders") == [
        [str(len(expected)), str(newest)]
    ]
    key, version = expected[len(expected) // 2]
    assert spark.sql(f"select version from orders where id = {key}") == [[str(version)]]
    counts = (f"(select count(*) from orders where day = date '{day}')" for day in MONTHS)
    assert spark.sql(f"select {', '.join(counts)}") == [
        [
            str(len([key for key, _ in expected if key % len(MONTHS) == number]))
            for number in range(len(MONTHS))
        ]
    ]


def test_there_is_something_to_read_right(lake: DerivedLake) -> None:
    live = lake.live()
    merges = lake.table.properties["write.merge.mode"] == MERGE_ON_READ
    assert bool(live.deletes) == merges
    assert len(live.data) >= 3
    of_specs = {each.file.spec_id for each in live.data.values()}
    assert len(of_specs) == (2 if merges else 1)  # partitions, and level 0
    assert of_specs >= {each.file.spec_id for each in live.deletes.values()}
