from __future__ import annotations

import pytest
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from shared.lake.reading.changes import changes
from shared.lake.reading.live_files import live_files
from shared.lake.reading.scan import scan
from shared.runtime.errors import Refused
from tests.support import foreign_snapshots
from tests.support.row_histories import RowHistory, day

ROW = {"id": 1, "at": day(1)}


class CountingIO(PyArrowFileIO):
    """Remembers what was opened."""

    def __init__(self, properties: dict[str, str]) -> None:
        super().__init__(properties)
        self.opened: list[str] = []

    def new_input(self, location: str) -> PyArrowFile:
        self.opened.append(location)
        return super().new_input(location)


def counting(table: Table) -> tuple[Table, CountingIO]:
    io = CountingIO(table.io.properties)
    return Table(table.name(), table.metadata, table.metadata_location, io, table.catalog), io


def test_files_have_the_sequence_number_of_their_rows(history: RowHistory) -> None:
    first = history.append(ROW)
    (path,) = live_files(history.table, first).data
    second = history.delta([(path, 0)], ROW)
    live = live_files(history.table, second)
    assert live.data[path].sequence_number == first.sequence_number
    numbers = {each.sequence_number for each in live.deletes.values()}
    assert numbers == {second.sequence_number}
    assert len(live.data) == 2


def test_a_rewrite_may_keep_the_old_sequence_number(history: RowHistory) -> None:
    first = history.append(ROW)
    second = history.rewrite(history.version.gone, old_number=True)
    (live,) = live_files(history.table, second).data.values()
    assert live.sequence_number == first.sequence_number


def test_no_manifest_is_read_twice(history: RowHistory) -> None:
    history.append(ROW)
    head = history.append(ROW)
    table, io = counting(history.table)
    live_files(table, head)
    assert len(io.opened) == 3  # the list and two manifests
    live_files(table, head)
    assert len(io.opened) == 3


def test_changes_read_no_manifest_that_both_snapshots_have(history: RowHistory) -> None:
    for _ in range(5):
        start = history.append(ROW)
    end = history.append(ROW)
    table, io = counting(history.table)
    changes(table, start, end, added=["id"], removed=["id"])
    assert len([path for path in io.opened if path.endswith(".avro")]) == 3  # two lists


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, "equality deletes"),
        (DataFileContent.POSITION_DELETES, FileFormat.PUFFIN, "PUFFIN"),
        (DataFileContent.DATA, FileFormat.ORC, "ORC"),
        (DataFileContent.DATA, FileFormat.AVRO, "AVRO"),
    ],
)
def test_what_cannot_be_read_is_refused(
    history: RowHistory, content: DataFileContent, kind: FileFormat, words: str
) -> None:
    start = history.append(ROW)
    file = DataFile.from_args(
        content=content,
        file_path=f"{history.table.location()}/data/foreign",
        file_format=kind,
        partition=Record(),
        record_count=1,
        file_size_in_bytes=1,
        equality_ids=[1] if content == DataFileContent.EQUALITY_DELETES else None,
    )
    file.spec_id = 0
    foreign_snapshots.snapshot(history.table, added=[(file, None)])
    table, end = history.table, history.head
    with pytest.raises(Refused, match=words) as refused:
        scan(table, end, ["id"])
    assert "core.things" in str(refused.value)
    assert "rewrite" in refused.value.next_step
    with pytest.raises(Refused, match=words):
        changes(table, start, end, added=["id"], removed=["id"])
    with pytest.raises(Refused, match=words):
        changes(table, None, end, added=["id"], removed=["id"])
