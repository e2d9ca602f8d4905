"""A small change of rows of many partitions is one file; folding moves its rows to them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile, read_manifest_list
from pyiceberg.table.update import SetPropertiesUpdate

from shared.lake import folding as module
from shared.lake import level_zero
from shared.lake.commit import Outcome, Stale
from shared.lake.folding import FoldingPolicy, fold, folding
from shared.lake.inventory import data_files
from shared.lake.level_zero import level_zero_spec
from shared.lake.provenance import traced
from shared.lake.row_changes import COPY_ON_WRITE, delta
from tests.support.derived_lake import MONTHS, TARGET_BYTES, DerivedLake, origin, rows_of
from tests.support.faulty_catalog import after

MANY = dict.fromkeys(range(300), 0)
"""A hundred rows in each of three months."""

SPILL = FoldingPolicy(spilled_files=1)


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    found = DerivedLake(tmp_path)
    found.build(MANY)
    return found


def apart(lake: DerivedLake) -> list[DataFile]:
    """The data files of level 0, the oldest ones first."""
    spec_id = level_zero_spec(lake.table)
    own = [each for each in lake.live().data.values() if each.file.spec_id == spec_id]
    return [each.file for each in sorted(own, key=lambda each: each.sequence_number)]


def partitions(lake: DerivedLake) -> list[int]:
    """The month of every data file in a partition."""
    default = lake.metadata.default_spec_id
    files = [each.file for each in lake.live().data.values()]
    return sorted(file.partition[0] for file in files if file.spec_id == default)


def ids(file: DataFile) -> list[int]:
    found: list[int] = pq.read_table(file.file_path.removeprefix("file://"))["id"].to_pylist()
    return found


def folded(
    lake: DerivedLake, policy: FoldingPolicy | None = SPILL, number: int = 1
) -> Outcome | None:
    return fold(lake.handle(), lake.spec, commit_id=f"fold {number}", writer="test", policy=policy)


JANUARY = (2026 - 1970) * 12
EACH_MONTH = [JANUARY, JANUARY + 1, JANUARY + 2]


class TestWhatIsWrittenThere:
    def test_a_small_change_of_several_partitions_is_one_sorted_file(
        self, lake: DerivedLake
    ) -> None:
        lake.build({5: 1, 300: 1, 1: 1})
        (file,) = apart(lake)
        assert ids(file) == [1, 5, 300]
        assert len(file.partition) == 0
        assert partitions(lake) == EACH_MONTH
        assert lake.rows() == sorted({**MANY, 5: 1, 300: 1, 1: 1}.items())

    def test_its_columns_have_bounds_to_be_pruned_by(self, lake: DerivedLake) -> None:
        lake.build({5: 1, 300: 1, 1: 1})
        (file,) = apart(lake)
        assert {1, 2, 3, 4} <= file.lower_bounds.keys() & file.upper_bounds.keys()

    def test_a_change_of_one_partition_is_a_file_there(self, lake: DerivedLake) -> None:
        lake.build({0: 1, 300: 1})
        assert not apart(lake)
        assert partitions(lake) == [JANUARY, *EACH_MONTH]

    def test_what_is_built_in_full_goes_to_the_partitions(self, lake: DerivedLake) -> None:
        assert partitions(lake) == EACH_MONTH  # the first build
        lake.build({0: 1, 1: 1})
        replacement = delta(
            lake.table,
            lake.spec,
            lake.live(),
            {},
            rows_of({0: 2, 1: 2}),
            planned=lake.head,
            carried=origin(9),
            target_bytes=TARGET_BYTES,
            replaces=True,
        )
        lake.send(replacement)
        assert not apart(lake)
        assert partitions(lake) == EACH_MONTH[:2]

    def test_files_written_anew_go_to_the_partitions(self, tmp_path: Path) -> None:
        lake = DerivedLake(tmp_path, COPY_ON_WRITE)
        lake.build(MANY)
        lake.build({0: 1, 1: 1, 300: 1, 301: 1})
        assert not apart(lake)

    @pytest.mark.parametrize(("most", "value"), [("MOST_ROWS", 3), ("MOST_BYTES", 20)])
    def test_what_is_larger_goes_to_the_partitions(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch, most: str, value: int
    ) -> None:
        monkeypatch.setattr(level_zero, most, value)
        lake.build({0: 1, 1: 1, 2: 1, 3: 1})
        assert not apart(lake)

    def test_up_to_the_bound_it_does_not(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(level_zero, "MOST_ROWS", 3)
        lake.build({0: 1, 1: 1, 2: 1})
        assert len(apart(lake)) == 1

    def test_a_table_without_that_spec_has_no_level_zero(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("data_files", "folding_policy"):
            monkeypatch.setattr(f"shared.lake.{name}.level_zero_spec", lambda _: None)
        lake.build({0: 1, 1: 1})
        assert not apart(lake)
        assert folded(lake) is None

    def test_the_inventory_shows_it_without_a_partition(self, lake: DerivedLake) -> None:
        lake.build({0: 1, 1: 1})
        words = {each.rows: each.partition for each in data_files(lake.table)}
        assert words[2] == ""
        assert words[100].startswith("day_month=")


class TestManifestsOfBothSpecs:
    """Each is of one spec."""

    def counts(self, lake: DerivedLake) -> dict[int, int]:
        listed = read_manifest_list(lake.table.io.new_input(lake.head.manifest_list))
        return dict(sorted(Counter(each.partition_spec_id for each in listed).items()))

    def alternating(self, lake: DerivedLake, merged_at: int) -> None:
        properties = {"commit.manifest.min-count-to-merge": str(merged_at)}
        lake.update(SetPropertiesUpdate(updates=properties))
        for number in range(300, 316, 4):
            lake.build({number: 0, number + 1: 0})
            lake.build({number + 2: 0})

    def test_neither_is_merged_because_the_other_one_is_younger(self, lake: DerivedLake) -> None:
        """Or every commit would write the manifests of the other spec anew."""
        self.alternating(lake, 100)
        assert self.counts(lake) == {0: 5, 1: 4}

    def test_each_is_merged_when_there_are_enough(self, lake: DerivedLake) -> None:
        self.alternating(lake, 3)
        assert max(self.counts(lake).values()) <= 3
        keys = [number for start in range(300, 316, 4) for number in range(start, start + 3)]
        assert lake.rows() == sorted({**MANY, **dict.fromkeys(keys, 0)}.items())


class TestRowsOfIt:
    def test_change_again_by_deletes_of_its_own_spec(self, lake: DerivedLake) -> None:
        lake.build({0: 1, 1: 1})
        lake.build({0: 2, 1: 2})
        lake.build({1: 3})
        spec_id = level_zero_spec(lake.table)
        deletes = [each.file for each in lake.live().deletes.values()]
        own = [file for file in deletes if file.spec_id == spec_id]
        assert [len(file.partition) for file in own] == [0, 0]
        assert sum(file.record_count for file in own) == 3
        assert lake.rows() == sorted({**MANY, 0: 2, 1: 3}.items())
        assert folded(lake) is not None
        assert not apart(lake)
        assert lake.rows() == sorted({**MANY, 0: 2, 1: 3}.items())
        assert all(each.file.spec_id != spec_id for each in lake.live().deletes.values())

    def test_and_go(self, lake: DerivedLake) -> None:
        lake.build({0: 1, 1: 1})
        lake.build(remove={0, 1})
        expected = sorted(MANY.items())[2:]
        assert lake.rows() == expected
        outcome = folded(lake)
        assert outcome is not None
        assert outcome.snapshot is not None
        assert outcome.snapshot.summary.get("added-data-files") is None
        assert not apart(lake)
        assert lake.rows() == expected


class TestWhenItSpills:
    def test_at_twenty_files(self, lake: DerivedLake) -> None:
        """Rows that only come: no delete says that there is something to do."""
        for number in range(19):
            lake.build({300 + 2 * number: 0, 301 + 2 * number: 0})
            assert folded(lake, None) is None
        lake.build({338: 0, 339: 0})
        before = lake.rows()
        outcome = folded(lake, None)
        assert outcome is not None
        assert outcome.snapshot is not None
        assert outcome.snapshot.summary["operation"] == "replace"
        assert lake.rows() == before
        assert not apart(lake)
        assert partitions(lake) == sorted(2 * EACH_MONTH)

    def test_at_so_many_rows(self, lake: DerivedLake) -> None:
        policy = FoldingPolicy(spilled_rows=5)
        lake.build({300: 0, 301: 0})
        lake.build({302: 0, 303: 0})
        assert folded(lake, policy) is None
        lake.build({304: 0, 305: 0})
        assert folded(lake, policy) is not None
        assert not apart(lake)

    def test_the_oldest_files_when_it_holds_more_than_is_moved_at_once(
        self, lake: DerivedLake
    ) -> None:
        for number in range(4):
            lake.build({300 + 2 * number: 0, 301 + 2 * number: 0})
        before, files = lake.rows(), [file.file_path for file in apart(lake)]
        assert folded(lake, FoldingPolicy(spilled_files=4, spilled_rows=3)) is not None
        assert [file.file_path for file in apart(lake)] == files[2:]
        assert lake.rows() == before

    def test_after_as_many_commits_with_deletes_as_a_partition_bears(
        self, lake: DerivedLake
    ) -> None:
        lake.build(dict.fromkeys(range(300, 330), 0))
        policy = FoldingPolicy(delete_commits=4)
        for number in range(3):
            lake.build(remove={300 + number})
            assert folded(lake, policy) is None
        lake.build(remove={303})
        assert folded(lake, policy) is not None
        assert not apart(lake)
        assert not lake.live().deletes

    def test_where_it_cannot_be_due_no_manifest_is_read(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lake.build({300: 0, 301: 0})
        monkeypatch.setattr(module, "live_files", lambda *_: pytest.fail("files were looked at"))
        assert folded(lake, None) is None

    def test_not_a_second_time(self, lake: DerivedLake) -> None:
        lake.build({300: 0, 301: 0})
        assert folded(lake) is not None
        assert folded(lake, number=2) is None

    def test_large_files_of_a_time_before_the_partitions_are_left_alone(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lake.build(dict.fromkeys(range(300, 310), 0))
        lake.build({310: 0, 311: 0})
        lake.build(remove={300, 310})
        large, _ = apart(lake)
        monkeypatch.setattr(level_zero, "MOST_ROWS", 5)
        before = lake.rows()
        assert folded(lake) is not None
        assert [file.file_path for file in apart(lake)] == [large.file_path]
        assert lake.rows() == before
        assert len(lake.live().deletes) == 1  # it names the file that stays as well


class TestWhereItSpills:
    def test_into_the_partitions_of_the_rows_as_sorted_files(self, lake: DerivedLake) -> None:
        lake.build({305: 0, 300: 0, 301: 0})
        lake.build({302: 0, 303: 0})
        old = lake.live().data.keys()
        folded(lake)
        new = [each.file for path, each in lake.live().data.items() if path not in old]
        found = {file.partition[0]: ids(file) for file in new}
        assert found == {JANUARY: [300, 303], JANUARY + 1: [301], JANUARY + 2: [302, 305]}
        assert {MONTHS[key % 3] for key in found[JANUARY + 2]} == {date(2026, 3, 15)}

    def test_what_is_recorded_stays(self, lake: DerivedLake) -> None:
        lake.build({300: 0, 301: 0})
        folded(lake)
        assert traced(lake.state).provenance == origin(2)

    def test_a_partition_that_has_as_many_small_files_becomes_one(self, lake: DerivedLake) -> None:
        for number in range(2):
            lake.build({300 + 3 * number: 0})
        lake.build({0: 1, 306: 0, 307: 0})
        before = lake.rows()
        assert partitions(lake) == sorted([*EACH_MONTH, JANUARY, JANUARY])
        assert folded(lake, FoldingPolicy(spilled_files=1, joined_files=3)) is not None
        # February had one file, and has two.
        assert partitions(lake) == sorted([*EACH_MONTH, JANUARY + 1])
        assert not lake.live().deletes
        assert lake.rows() == before

    def test_one_file_may_be_as_many(self, lake: DerivedLake) -> None:
        lake.build({300: 0, 301: 0})
        before = lake.rows()
        assert folded(lake, FoldingPolicy(spilled_files=1, joined_files=1)) is not None
        assert partitions(lake) == EACH_MONTH
        assert lake.rows() == before

    def test_deletes_of_a_partition_that_it_spills_into_become_one(self, lake: DerivedLake) -> None:
        for number in range(5):
            lake.build(remove={3 * number})
        lake.build({300: 0, 301: 0})
        before = lake.rows()
        assert folded(lake) is not None
        (delete,) = lake.live().deletes.values()
        assert (delete.file.partition[0], delete.file.record_count) == (JANUARY, 5)
        assert partitions(lake) == sorted([*EACH_MONTH, JANUARY, JANUARY + 1])
        assert lake.rows() == before

    def test_but_a_few_are_left(self, lake: DerivedLake) -> None:
        for number in range(4):
            lake.build(remove={3 * number})
        lake.build({300: 0, 301: 0})
        folded(lake)
        assert len(lake.live().deletes) == 4

    def test_a_partition_that_is_due_itself_takes_the_rows_into_its_file(
        self, lake: DerivedLake
    ) -> None:
        lake.build({300: 0, 301: 0})
        for number in range(3):
            lake.build(remove={3 * number})
        policy = FoldingPolicy(spilled_files=1, delete_commits=3)
        before = lake.rows()
        assert folded(lake, policy) is not None
        assert partitions(lake) == sorted([*EACH_MONTH, JANUARY + 1])
        assert lake.rows() == before


class TestOthersMeanwhile:
    def test_deletes_of_the_same_rows_go_first(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = module.folding

        def overtaken(*arguments: object) -> object:
            planned = real(*arguments)  # type: ignore[arg-type]
            lake.build({300: 1})
            return planned

        lake.build({300: 0, 301: 0})
        monkeypatch.setattr(module, "folding", overtaken)
        assert folded(lake) is None
        assert len(apart(lake)) == 1
        assert lake.rows() == sorted({**MANY, 300: 1, 301: 0}.items())
        monkeypatch.undo()
        assert folded(lake, number=2) is not None
        assert lake.rows() == sorted({**MANY, 300: 1, 301: 0}.items())

    def test_what_comes_to_level_zero_stays_there(self, lake: DerivedLake) -> None:
        lake.build({300: 0, 301: 0})
        catalog = lake.catalog()
        catalog.faults.append(after(lambda: lake.build({302: 0, 303: 0})))
        outcome = fold(
            lake.handle(catalog), lake.spec, commit_id="fold", writer="test", policy=SPILL
        )
        assert outcome is not None
        assert outcome.conflicts == 1
        (left,) = apart(lake)
        assert ids(left) == [302, 303]
        assert lake.rows() == sorted({**MANY, 300: 0, 301: 0, 302: 0, 303: 0}.items())

    def test_a_build_planned_before_a_spill_is_planned_again(self, lake: DerivedLake) -> None:
        lake.build({300: 0, 301: 0})
        planned = lake.plan({300: 1})
        folded(lake)
        with pytest.raises(Stale, match="not live any more"):
            lake.send(planned)
        lake.build({300: 1})
        assert lake.rows() == sorted({**MANY, 300: 1, 301: 0}.items())

    def test_one_that_only_appends_is_not(self, lake: DerivedLake) -> None:
        lake.build({300: 0, 301: 0})
        planned = lake.plan({302: 1, 303: 1})
        folded(lake)
        lake.send(planned)
        assert len(apart(lake)) == 1
        assert folding(lake.table, lake.spec, lake.head) is None
