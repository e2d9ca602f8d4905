"""Delete files of data files that leave and of others that stay: nothing idle is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contracts.identity import uuid7
from shared.lake import divided_deletes
from shared.lake.checking.deletes import check_deletes
from shared.lake.commit import Delta
from shared.lake.divided_deletes import divide, worth_dividing
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.level_zero import level_zero_spec
from shared.lake.position_deletes import read_positions, write_position_deletes
from shared.lake.reading.changes import changes
from shared.lake.reading.live_files import LiveFiles
from shared.lake.row_changes import COPY_ON_WRITE, delta
from tests.support.derived_lake import TARGET_BYTES, DerivedLake, origin, rows_of


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """Three files of ten rows of one month, oldest first: keys from 0, 30 and 60 in threes."""
    found = DerivedLake(tmp_path)
    for start in (0, 30, 60):
        found.build(dict.fromkeys(range(start, start + 30, 3), 0))
    return found


def by_age(lake: DerivedLake) -> list[str]:
    return sorted(lake.live().data, key=lambda path: lake.live().data[path].sequence_number)


def deleting(lake: DerivedLake, said: dict[str, list[int]]) -> None:
    """A delete file that says this."""
    files = {path: lake.live().data[path].file for path in said}
    written = write_position_deletes(lake.table, said, files)
    lake.send(Delta(deletes=written, named=set(said), planned=lake.head, carried=origin(9)))


def test_a_delete_file_of_others_is_left_alone(lake: DerivedLake) -> None:
    old, young, other = by_age(lake)
    deleting(lake, {old: [0], other: [1]})
    found = divide(lake.table.io, lake.live(), {young})
    assert (found.gone, dict(found.staying), found.left) == (frozenset(), {}, ())


def test_one_that_names_nothing_else_goes(lake: DerivedLake) -> None:
    old, young, _ = by_age(lake)
    deleting(lake, {old: [0], young: [3]})
    found = divide(lake.table.io, lake.live(), {old, young})
    assert found.gone == set(lake.live().deletes)
    assert not found.staying


def test_positions_of_files_that_are_gone_already_go_too(lake: DerivedLake) -> None:
    old, young, other = by_age(lake)
    deleting(lake, {old: [0], young: [3], other: [7, 5]})
    live = lake.live()
    less = LiveFiles(
        {path: each for path, each in live.data.items() if path != young}, live.deletes
    )
    found = divide(lake.table.io, less, {old})
    assert found.gone == set(live.deletes)
    assert {path: each.to_pylist() for path, each in found.staying.items()} == {other: [5, 7]}


def test_what_deletes_nothing_must_not_come_to_delete(lake: DerivedLake) -> None:
    """A position of a younger file, said anew, would be older than it no longer."""
    old, young, other = by_age(lake)
    deleting(lake, {old: [0], young: [3], other: [5]})
    live = lake.live()
    (number,) = {each.sequence_number for each in live.deletes.values()}
    rejuvenated = live.data[young]._replace(sequence_number=number + 1)
    found = divide(
        lake.table.io,
        LiveFiles({**live.data, young: rejuvenated}, live.deletes),
        {old},
    )
    assert found.staying.keys() == {other}


def test_a_position_that_another_delete_file_names_too_is_said_there(lake: DerivedLake) -> None:
    old, young, other = by_age(lake)
    deleting(lake, {old: [0], young: [3, 4]})
    deleting(lake, {young: [5], other: [1]})
    live = lake.live()
    again = write_position_deletes(lake.table, {young: [4, 6]}, {young: live.data[young].file})[0]
    twice = {
        **live.deletes,
        again.file_path: next(iter(live.deletes.values()))._replace(file=again),
    }
    found = divide(lake.table.io, LiveFiles(live.data, twice), {old})
    assert {path: each.to_pylist() for path, each in found.staying.items()} == {young: [3]}


@pytest.mark.parametrize(
    ("positions", "idle", "worth"),
    [
        (100_000, 1, True),
        (100_001, 10_000, False),
        (100_001, 10_001, True),
        (100_000, 0, False),
        (10**9, 10**8, True),
    ],
)
def test_a_rewrite_is_to_spare_a_tenth_of_what_it_writes(
    positions: int, idle: int, worth: bool
) -> None:
    assert worth_dividing(positions, idle) is worth


def test_no_more_is_held_than_may_be(lake: DerivedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    old, young, other = by_age(lake)
    deleting(lake, {old: [0], young: [3, 4]})
    deleting(lake, {old: [1], other: [1, 2]})
    monkeypatch.setattr(divided_deletes, "MOST", 3)
    found = divide(lake.table.io, lake.live(), {old})
    assert (len(found.gone), len(found.left)) == (1, 1)
    assert sum(map(len, found.staying.values())) == 2


def test_level_zero_that_spills_in_part_leaves_nothing_idle(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(300), 0))
    lake.build({0: 1, 1: 1, 2: 1})
    lake.build({3: 1, 4: 1, 5: 1, 6: 1})
    lake.build(remove={1, 4, 5})  # of both files of level 0 by one delete file
    before, start = lake.rows(), lake.head
    policy = FoldingPolicy(spilled_files=1, spilled_rows=1)
    assert fold(lake.handle(), lake.spec, commit_id=uuid7(), writer="test", policy=policy)
    assert lake.rows() == before
    live, spec_id = lake.live(), level_zero_spec(lake.table)
    apart = [path for path, each in live.data.items() if each.file.spec_id == spec_id]
    beside = [each.file for each in live.deletes.values() if each.file.spec_id == spec_id]
    assert len(apart) == 1
    assert read_positions(lake.table.io, beside) == {apart[0]: [1, 2]}
    assert check_deletes(lake.table.io, live)[0].findings == ()
    found = changes(lake.table, start, lake.head, added=["id"], removed=["id"])
    assert (found.added.height, found.removed.height) == (0, 0)


def test_copy_on_write_after_merge_on_read_leaves_nothing_idle(lake: DerivedLake) -> None:
    old, young, _ = by_age(lake)
    deleting(lake, {old: [0], young: [3]})
    before = dict(lake.rows())
    changed = delta(
        lake.table,
        lake.spec,
        lake.live(),
        {old: [1]},
        rows_of({3: 7}),
        COPY_ON_WRITE,
        planned=lake.head,
        carried=origin(10),
        target_bytes=TARGET_BYTES,
    )
    lake.send(changed)
    assert dict(lake.rows()) == {**before, 3: 7}
    deletes = [each.file for each in lake.live().deletes.values()]
    assert read_positions(lake.table.io, deletes) == {young: [3]}
    assert check_deletes(lake.table.io, lake.live())[0].findings == ()
