"""What is read of a head is what PyIceberg reads of it, however it came about."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.table import Table
from pyiceberg.types import LongType, StringType

from deploy.demo.head_rows import HeadRows
from tests.support.row_histories import RowHistory, day


@pytest.fixture
def history(tmp_path: Path) -> RowHistory:
    return RowHistory(tmp_path)


def rows(*ids: int) -> list[dict[str, object]]:
    return [{"id": each, "kind": str(each), "at": day(1)} for each in ids]


def in_order(found: pa.Table) -> list[dict[str, object]]:
    return sorted(found.to_pylist(), key=str)


def check(found: pa.Table, table: Table) -> None:
    asked = table.scan().to_arrow()
    assert found.schema.equals(asked.schema)
    assert in_order(found) == in_order(asked)


def test_of_a_table_without_a_snapshot_there_are_no_rows(history: RowHistory) -> None:
    check(HeadRows().of(history.table), history.table)


@given(steps=st.lists(st.sampled_from(["append", "delete", "widen", "rename"]), max_size=8))
def test_appends_deletes_and_new_schemas_one_after_another(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    history, head_rows, names = RowHistory(tmp_path_factory.mktemp("lake")), HeadRows(), ["kind"]
    for number, step in enumerate(steps):
        if step == "append":
            history.append(*({"id": number * 10 + each, "at": day(1)} for each in range(3)))
        elif step == "delete" and (places := history.places()):
            history.delta(places[number % 2 :: 2])
        elif step == "widen":
            with history.table.update_schema() as update:
                update.update_column("id", LongType())
                update.add_column(f"more_{number}", StringType())
        elif step == "rename":
            names.append(f"kind_{number}")
            with history.table.update_schema() as update:
                update.rename_column(*names[-2:])
        check(head_rows.of(history.table), history.table)
        check(HeadRows().of(history.table), history.table)


def test_every_version_is_read_in_turn(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    history.append(*rows(3))
    history.delta(history.places()[1:2])
    history.rewrite(sorted({path for path, _ in history.places()}))
    head_rows, table = HeadRows(), history.table
    for snapshot in table.metadata.snapshots:
        asked = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
        assert in_order(head_rows.of(table, snapshot)) == in_order(asked)


def test_what_has_been_read_is_not_read_again(history: RowHistory) -> None:
    head_rows = HeadRows()
    history.append(*rows(1, 2))
    places = history.places()
    head_rows.of(history.table)
    Path(places[0][0].removeprefix("file://")).unlink()
    history.delta([places[0]])
    history.append(*rows(3))
    assert sorted(head_rows.of(history.table)["id"].to_pylist()) == [2, 3]
    with pytest.raises(FileNotFoundError):
        HeadRows().of(history.table)
