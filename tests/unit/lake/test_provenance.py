"""Where a derived table comes from is found as long as anything of ours is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pyiceberg.table.update import RemoveSnapshotsUpdate

from shared.lake.commit import Delta, commit
from shared.lake.positions import MIRROR_PROPERTY, Positions
from shared.lake.provenance import (
    KEY_AS_OF,
    PROVENANCE_PROPERTY,
    Provenance,
    SourceCut,
    Traced,
    completeness,
    traced,
)
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from tests.support.derived_lake import DerivedLake, origin
from tests.support.lake import TOPIC, Batch, Lake

names = st.text(min_size=1, max_size=20)
numbers = st.integers(0, 2**63 - 1)
provenances = st.builds(
    Provenance,
    st.dictionaries(names, st.builds(SourceCut, names, numbers, numbers), max_size=4),
    names,
    st.none() | st.dates(),
    st.dictionaries(st.tuples(names, st.integers(0, 1000)), numbers, max_size=6),
)


class TestInSummaries:
    @given(provenances)
    def test_it_is_read_as_it_was_written(self, written: Provenance) -> None:
        assert Provenance.from_summary(written.to_summary()) == written

    @given(provenances, numbers)
    def test_its_mirror_says_the_same_and_whose_it_is(
        self, written: Provenance, snapshot_id: int
    ) -> None:
        assert Provenance.from_mirror(written.to_mirror(snapshot_id)) == (snapshot_id, written)

    def test_a_table_without_a_date_says_none(self) -> None:
        assert KEY_AS_OF not in origin(1).to_summary()

    def test_other_snapshots_have_none(self) -> None:
        assert Provenance.from_summary({"operation": "append"}) is None
        assert Provenance.from_summary(Positions().to_summary()) is None

    def test_a_newer_format_is_not_guessed_at(self) -> None:
        summary = {**origin(1).to_summary(), "bergline.format": "2"}
        with pytest.raises(ValueError, match="format 2, this version reads 1"):
            Provenance.from_summary(summary)


class TestTracing:
    @pytest.fixture
    def lake(self, tmp_path: Path) -> DerivedLake:
        found = DerivedLake(tmp_path)
        found.build({1: 1, 2: 1})
        return found

    def test_a_table_without_a_snapshot(self, tmp_path: Path) -> None:
        assert traced(DerivedLake(tmp_path / "empty").state) == Traced(None)

    def test_of_the_head(self, lake: DerivedLake) -> None:
        assert traced(lake.state) == Traced(origin(1), lake.head.snapshot_id)

    def test_foreign_snapshots_lie_on_top_newest_first(self, lake: DerivedLake) -> None:
        ours = lake.head.snapshot_id
        first, second = lake.foreign_delete("id = 1"), lake.foreign_delete("id = 2")
        assert traced(lake.state) == Traced(origin(1), ours, (second, first))

    def test_a_parent_that_was_thinned_away_is_in_the_mirror(self, lake: DerivedLake) -> None:
        ours = lake.head.snapshot_id
        foreign = lake.foreign_delete("id = 1")
        lake.update(RemoveSnapshotsUpdate(snapshot_ids=[ours]))
        assert traced(lake.state) == Traced(origin(1), ours, (foreign,))

    def test_the_mirror_of_another_snapshot_does_not_count(self, lake: DerivedLake) -> None:
        older = lake.head
        lake.build({3: 1})
        lake.roll_back(older.snapshot_id)
        foreign = lake.foreign_delete("id = 1")
        lake.update(RemoveSnapshotsUpdate(snapshot_ids=[older.snapshot_id]))
        assert traced(lake.state) == Traced(None, None, (foreign,))

    def test_a_table_of_others_has_none(self, tmp_path: Path) -> None:
        lake = Lake(tmp_path)
        foreign = lake.foreign_append()
        assert traced(lake.state) == Traced(None, None, (foreign,))


class TestMirrorsOfTwoKinds:
    """A landing table mirrors its positions, a derived one its provenance."""

    def test_neither_is_taken_for_the_other(self, tmp_path: Path) -> None:
        landing, derived = Lake(tmp_path / "landing"), DerivedLake(tmp_path / "derived")
        commit(landing.handle(), Batch(landing.handle(), 0, 5).decide, commit_id="a", writer="test")
        derived.build({1: 1})
        properties = landing.state.properties
        assert PROVENANCE_PROPERTY not in properties
        assert Provenance.from_mirror(properties) is None
        properties = derived.state.properties
        assert MIRROR_PROPERTY not in properties
        assert Positions.from_mirror(properties) is None
        assert recorded(derived.state).positions is None
        assert traced(landing.state).provenance is None

    def test_no_mirror_makes_a_handle_load_its_table_again(self, tmp_path: Path) -> None:
        """They change with every commit; that changes nothing about how files are written."""
        derived = DerivedLake(tmp_path)
        derived.build({1: 1})
        handle = derived.handle()
        table = handle.table
        derived.send(Delta(planned=derived.head, carried=origin(2)), handle)
        assert handle.table is table


class TestCompleteness:
    def test_of_a_landing_table_its_positions(self, tmp_path: Path) -> None:
        lake = Lake(tmp_path)
        handle = lake.handle()
        commit(handle, Batch(handle, 0, 5).decide, commit_id="a", writer="test")
        commit(handle, Batch(handle, 0, 7, partition=1).decide, commit_id="b", writer="test")
        expected = {(TOPIC, 0): 5, (TOPIC, 1): 7}
        assert completeness(lake.state, lake.head.snapshot_id) == expected
        foreign = lake.foreign_append()
        assert completeness(lake.state, foreign.snapshot_id) == expected

    def test_of_a_derived_table_what_it_says(self, tmp_path: Path) -> None:
        lake = DerivedLake(tmp_path)
        lake.build({1: 1})
        first = lake.head.snapshot_id
        lake.build({2: 1})
        assert completeness(lake.state, first) == {(TOPIC, 0): 10}
        assert completeness(lake.state, lake.head.snapshot_id) == {(TOPIC, 0): 20}

    def test_below_what_was_thinned_away(self, tmp_path: Path) -> None:
        lake = DerivedLake(tmp_path)
        lake.build({1: 1, 2: 1})
        ours = lake.head.snapshot_id
        foreign = lake.foreign_delete("id = 1")
        lake.update(RemoveSnapshotsUpdate(snapshot_ids=[ours]))
        assert completeness(lake.state, foreign.snapshot_id) == {(TOPIC, 0): 10}
        lost = replace(lake.state, properties={})
        assert completeness(lost, foreign.snapshot_id) == {}

    def test_of_nothing(self) -> None:
        assert completeness(TableState(table_uuid="", location=""), 5) == {}


def test_dates_are_written_as_iso(tmp_path: Path) -> None:
    built = Provenance({}, "1:code", date(2026, 11, 5))
    assert built.to_summary()[KEY_AS_OF] == "2026-11-05"
