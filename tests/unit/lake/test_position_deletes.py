"""Delete files say which rows go, in the form that the specification asks for."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile, DataFileContent

from shared.lake.position_deletes import (
    FILE_PATH_ID,
    POS_ID,
    may_name,
    named_positions,
    read_positions,
    write_position_deletes,
)
from tests.support.derived_lake import DerivedLake

KEYS = dict.fromkeys(range(30), 0)


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """Two files of ten and five rows in each of three months."""
    found = DerivedLake(tmp_path)
    found.build(KEYS)
    for month in range(3):
        found.build(dict.fromkeys(range(30 + month, 45, 3), 0))
    return found


@pytest.fixture
def files(lake: DerivedLake) -> dict[str, DataFile]:
    return {path: each.file for path, each in lake.live().data.items()}


def test_there_is_one_for_each_partition(lake: DerivedLake, files: dict[str, DataFile]) -> None:
    written = write_position_deletes(lake.table, {path: [0, 4] for path in files}, files)
    assert len(written) == 3
    assert {f.partition for f in written} == {f.partition for f in files.values()}
    for file in written:
        assert file.content is DataFileContent.POSITION_DELETES
        assert file.spec_id == lake.metadata.default_spec_id
        assert file.record_count == 4
        assert Path(file.file_path.removeprefix("file://")).stat().st_size == (
            file.file_size_in_bytes
        )


def test_of_a_file_outside_of_the_partitions_it_is_outside_as_well(lake: DerivedLake) -> None:
    lake.build({0: 1, 1: 1})
    (path, positions), *others = lake.located({0, 1}).items()
    assert not others
    (written,) = write_position_deletes(
        lake.table, {path: positions}, {path: lake.live().data[path].file}
    )
    assert lake.table.specs()[written.spec_id].is_unpartitioned()
    assert len(written.partition) == 0


def test_it_is_sorted_by_file_and_position(lake: DerivedLake, files: dict[str, DataFile]) -> None:
    (written, *_) = write_position_deletes(lake.table, {path: [4, 0, 2] for path in files}, files)
    rows = pq.read_table(written.file_path.removeprefix("file://"))
    pairs = list(zip(rows["file_path"].to_pylist(), rows["pos"].to_pylist(), strict=True))
    assert pairs == sorted(pairs)
    ids = [field.metadata[b"PARQUET:field_id"] for field in rows.schema]
    assert ids == [str(FILE_PATH_ID).encode(), str(POS_ID).encode()]


def test_its_bounds_are_whole_paths(lake: DerivedLake, files: dict[str, DataFile]) -> None:
    for written in write_position_deletes(lake.table, {path: [1] for path in files}, files):
        own = sorted(p for p, f in files.items() if f.partition == written.partition)
        assert written.lower_bounds[FILE_PATH_ID] == own[0].encode()
        assert written.upper_bounds[FILE_PATH_ID] == own[-1].encode()
        assert all(may_name(written, path) for path in own)
        assert not may_name(written, own[-1] + "x")
        assert not may_name(written, own[0][:-1])


def test_what_it_says_is_read_back(lake: DerivedLake, files: dict[str, DataFile]) -> None:
    positions = {path: [3, 1] for path in files}
    written = write_position_deletes(lake.table, positions, files)
    assert read_positions(lake.table.io, written) == {path: [1, 3] for path in files}
    copy = DerivedLake(Path(lake.table.location().removeprefix("file://")) / "elsewhere")
    for file in written:  # as another process finds it
        elsewhere = DataFile.from_args(
            content=file.content, file_path=file.file_path.replace("file://", "file:")
        )
        named = named_positions(copy.table.io, elsewhere)
        assert {path: own.to_pylist() for path, own in named.items()} == {
            path: [1, 3] for path, f in files.items() if f.partition == file.partition
        }


def test_no_positions_are_no_file(lake: DerivedLake, files: dict[str, DataFile]) -> None:
    assert write_position_deletes(lake.table, {}, files) == []
    assert write_position_deletes(lake.table, dict.fromkeys(files, ()), files) == []


@pytest.mark.parametrize(
    ("positions", "message"),
    [([1, 2, 1], "named twice"), ([-1], "positions -1 to -1"), ([99], "positions 99 to 99 in")],
)
def test_positions_that_cannot_be_are_an_error(
    lake: DerivedLake, files: dict[str, DataFile], positions: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_position_deletes(lake.table, {next(iter(files)): positions}, files)


def test_a_file_that_is_not_described_is_an_error(lake: DerivedLake) -> None:
    with pytest.raises(KeyError):
        write_position_deletes(lake.table, {"file:///nowhere": [0]}, {})
