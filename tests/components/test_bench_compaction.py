"""Contestants of ``bergline bench compact`` make few files of many, and the rows stay."""

import os
from pathlib import Path
from typing import ClassVar

import pytest

from shared.lake.catalog import open_catalog
from tests.bench.compaction.contestant import Cost, Unable
from tests.bench.compaction.ours import Bergline
from tests.bench.compaction.same_rows import rows_of
from tests.bench.compaction.side_by_side import compared
from tests.bench.compaction.small_files import SmallFiles
from tests.bench.compaction.spark import Spark, compacting_class_path
from tests.support.maven_jars import Absent
from tests.support.storage import StorageProcess, storage_process

__all__ = ["storage_process"]

pytestmark = pytest.mark.timeout(600)  # several storages and contestants, on a busy machine

FILES, ROWS, TEMPLATES = 6, 40, 50


def test_every_table_has_the_same_rows_and_is_gone_when_it_is_dropped(
    storage_process: StorageProcess, tmp_path: Path
) -> None:
    catalog = open_catalog(storage_process.settings)
    tables = SmallFiles(catalog, tmp_path / "files", FILES, ROWS, templates=TEMPLATES)
    one, other = tables.table("one"), tables.table("other")
    first = rows_of(storage_process.settings, "one")
    assert first.count == FILES * ROWS
    assert rows_of(storage_process.settings, "other") == first
    paths = {task.file.file_path for task in one.load().scan().plan_files()}
    assert len(paths) == FILES
    assert not paths & {task.file.file_path for task in other.load().scan().plan_files()}
    io = one.table.io
    assert all(io.new_input(path).exists() for path in paths)
    tables.drop("one")
    assert not any(io.new_input(path).exists() for path in paths)
    assert rows_of(storage_process.settings, "other") == first


@pytest.mark.skipif(
    not os.environ.get("BERGLINE_TEST_SPARK"),
    reason="much CPU for a peer: `make spark` runs it; `bench compact` compares rows, too",
)
def test_spark_where_it_was_fetched(tmp_path: Path) -> None:
    try:
        compacting_class_path(tmp_path)
    except Absent as absent:
        pytest.skip(str(absent))
    shape = compared(tmp_path / "lake", FILES, ROWS, rounds=1, templates=TEMPLATES, peers=(Spark,))
    assert [(done.files, done.cost.cpu > 0) for done in shape.peers[Spark.name].warm] == [(1, True)]


class Broken(Bergline):
    """A peer that refuses every table after so many."""

    able: ClassVar[int]

    def __init__(self, directory: Path, storage: StorageProcess) -> None:
        super().__init__(directory, storage)
        self._left = self.able

    def compact(self, environment: str) -> Cost:
        self._left -= 1
        if self._left < 0:
            raise Unable("it does not like the table")
        return super().compact(environment)


class BrokenAtFirst(Broken):
    """It refuses the first."""

    name: ClassVar[str] = "broken at first"
    able: ClassVar[int] = 0


class BrokenLater(Broken):
    """It refuses the second, with which it would be warm."""

    name: ClassVar[str] = "broken later"
    able: ClassVar[int] = 1


def test_ours_is_measured_first_and_warm_and_peers_that_cannot_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peers = (BrokenAtFirst, BrokenLater)
    shape = compared(tmp_path, FILES, ROWS, rounds=1, templates=TEMPLATES, peers=peers)
    assert (shape.files, shape.peers) == (FILES, {})
    for done in (shape.ours.first, *shape.ours.warm):
        assert done.files == 1
        assert 0 < done.bytes < shape.bytes
        assert done.cost.cpu > 0
    assert len(shape.ours.warm) == 1
    assert shape.ours.peak > 50 * 2**20
    told = capsys.readouterr().err
    did = {peer.name: told.count(f"compacted contestant={peer.name} ") for peer in peers}
    assert did == {BrokenAtFirst.name: 0, BrokenLater.name: 1}
