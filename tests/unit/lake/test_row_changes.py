"""Both ways to change rows leave the same rows, whatever the changes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.table.update import SetPropertiesUpdate
from pyiceberg.types import StringType

from shared.lake.folding import FoldingPolicy, fold
from shared.lake.row_changes import COPY_ON_WRITE, MERGE_MODE, MERGE_ON_READ, merge_mode
from shared.runtime.errors import ConfigurationError
from tests.support.derived_lake import DerivedLake

keys = st.integers(0, 8)
changes = st.lists(
    st.tuples(st.dictionaries(keys, st.integers(1, 3), max_size=5), st.sets(keys, max_size=3)),
    min_size=1,
    max_size=6,
)
EAGER = FoldingPolicy(delete_commits=2)


@settings(max_examples=25, deadline=None)
@given(changes)
def test_they_leave_what_was_asked_for(made: list[tuple[dict[int, int], set[int]]]) -> None:
    expected: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        lakes = {mode: DerivedLake(Path(directory) / mode, mode) for mode in MODES}
        for put, removed in made:
            for key in removed - put.keys():
                expected.pop(key, None)
            expected |= put
            for lake in lakes.values():
                lake.build(put, removed - put.keys())
        folded = lakes[MERGE_ON_READ]
        fold(folded.handle(), folded.spec, commit_id="fold", writer="test", policy=EAGER)
        for lake in lakes.values():
            assert lake.rows() == sorted(expected.items())
        assert not lakes[COPY_ON_WRITE].live().deletes


MODES = (MERGE_ON_READ, COPY_ON_WRITE)


def test_merge_on_read_leaves_the_files_as_they_are(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(9), 0))
    before = lake.live().data.keys()
    lake.build({3: 1})
    assert before < lake.live().data.keys()
    assert len(lake.live().deletes) == 1


def test_copy_on_write_leaves_no_deletes_and_touches_only_what_it_must(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path, COPY_ON_WRITE)
    lake.build(dict.fromkeys(range(9), 0))
    before = lake.live().data.keys()
    (touched,) = lake.located({3})
    lake.build({3: 1})
    after = lake.live()
    assert before - after.data.keys() == {touched}
    assert len(after.data) == 3
    assert not after.deletes


def test_copy_on_write_does_not_bring_back_what_deletes_took(tmp_path: Path) -> None:
    """The table was merged on read before."""
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(9), 0))
    lake.build(remove={0})
    lake.update(SetPropertiesUpdate(updates={MERGE_MODE: COPY_ON_WRITE}))
    lake.build({3: 1})
    assert lake.rows() == [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0)]
    assert not lake.live().deletes  # what was left of them had nothing to delete any more


def test_rewritten_rows_keep_columns_by_their_ids(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path, COPY_ON_WRITE)
    lake.build(dict.fromkeys(range(3), 0))
    with lake.table.update_schema() as update:
        update.add_column("later", StringType())
    lake.build({0: 1})
    assert lake.table.scan().to_arrow()["amount"].null_count == 0
    assert lake.rows() == [(0, 1), (1, 0), (2, 0)]


def test_the_property_must_be_one_of_the_two(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    assert merge_mode(lake.table) == MERGE_ON_READ
    lake.update(SetPropertiesUpdate(updates={MERGE_MODE: "sometimes"}))
    with pytest.raises(ConfigurationError, match="sometimes"):
        merge_mode(lake.table)
