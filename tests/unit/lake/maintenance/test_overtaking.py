"""A rewrite on a head that others moved: what the checks let pass, and that they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.lake.commit import Delta, Head, Stale
from shared.lake.maintenance import compaction, overtaking
from shared.lake.maintenance.compaction import Status, compact
from shared.lake.maintenance.overtaking import Replacement
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.maintenance.rewriting import Rewritten, deleted_now, rewrite
from shared.lake.maintenance.row_groups import Held
from shared.lake.position_deletes import read_positions, write_position_deletes
from shared.lake.recorded import recorded
from tests.support.derived_lake import DerivedLake
from tests.support.faulty_catalog import after


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """A month of five files of two rows."""
    found = DerivedLake(tmp_path)
    for at in range(0, 30, 6):
        found.build({at: 0, at + 3: 0})
    return found


def rewritten(lake: DerivedLake) -> tuple[Replacement, Head]:
    """All files of the head, written anew, and that head."""
    live = lake.live()
    found = rewrite(
        lake.table,
        lake.spec,
        live,
        sorted(live.data),
        target_bytes=1 << 27,
        memory_bytes=1 << 26,
        held=Held(),
        read=lambda _: None,
    )
    return Replacement(lake.table, found, lake.head), now(lake)


def now(lake: DerivedLake) -> Head:
    state = lake.state
    return Head(state, recorded(state))


def test_a_younger_delete_that_is_not_accounted_for_stops_it(lake: DerivedLake) -> None:
    replacement, head = rewritten(lake)
    planned = replacement.decide(head, True)
    lake.build(remove={0})
    with pytest.raises(Stale, match="younger than the plan"):
        lake.send(planned)
    lake.send(replacement.decide(now(lake), True))
    assert len(lake.rows()) == 9


def test_what_is_accounted_for_must_be_there(lake: DerivedLake) -> None:
    replacement, head = rewritten(lake)
    planned = replacement.decide(head, True)
    with pytest.raises(Stale, match="accounted"):
        lake.send(replace(planned, accounted={"a-file-that-is-none"}))
    lake.build(remove={0})
    told = replacement.decide(now(lake), True)
    with pytest.raises(Stale, match="accounted"):
        lake.send(replace(told, accounted={*told.accounted, "a-file-that-is-none"}))


def test_of_two_deletes_both_must_be_accounted_for(lake: DerivedLake) -> None:
    replacement, _ = rewritten(lake)
    lake.build(remove={0})
    told = replacement.decide(now(lake), True)
    lake.build(remove={9})
    with pytest.raises(Stale, match="younger than the plan"):
        lake.send(told)
    assert len(lake.rows()) == 8


def test_delete_files_are_written_once_for_the_same_deletes(lake: DerivedLake) -> None:
    replacement, _ = rewritten(lake)
    lake.build(remove={0})
    first = replacement.decide(now(lake), True)
    lake.build({300: 1})  # rows of others
    second = replacement.decide(now(lake), True)
    assert [each.file_path for each in first.deletes] == [each.file_path for each in second.deletes]
    lake.build(remove={9})
    third = replacement.decide(now(lake), True)
    assert third.deletes[0].record_count == 2
    lake.send(third)
    assert len(lake.rows()) == 9


def test_deletes_that_were_merged_meanwhile_are_not_deleted_twice(lake: DerivedLake) -> None:
    lake.build(remove={0})
    lake.build(remove={3})
    replacement, _ = rewritten(lake)
    merge_deletes(lake)
    planned = replacement.decide(now(lake), True)
    assert replacement.translated == 0
    assert planned.accounted
    lake.send(planned)
    assert len(lake.rows()) == 8
    assert not lake.live().deletes


def merge_deletes(lake: DerivedLake) -> None:
    """Somebody puts delete files together: the same positions under a younger number."""
    live = lake.live()
    said = read_positions(lake.table.io, [each.file for each in live.deletes.values()])
    files = {path: live.data[path].file for path in said}
    written = write_position_deletes(lake.table, said, files)
    lake.send(
        Delta(
            deletes=written,
            dropped=set(live.deletes),
            named=set(said),
            planned=lake.head,
            replace=True,
        )
    )


def swapped_all_the_time(lake: DerivedLake, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, bool]:
    """A compaction while rows are swapped at every step: whether it ended well, and whether every
    row is there once in its last version."""
    expected = dict(lake.rows())
    version = iter(range(1, 100))

    def swap() -> None:
        key, number = 3, next(version)
        expected[key] = number
        lake.build({key: number})

    def overtaken(*arguments: object, **options: object) -> Rewritten:
        found = rewrite(*arguments, **options)  # type: ignore[arg-type]
        swap()
        lake.build(remove={0})
        expected.pop(0, None)
        return found

    monkeypatch.setattr(compaction, "rewrite", overtaken)
    catalog = lake.catalog()
    catalog.faults += [
        after(lambda: (lake.build(remove={6}), expected.pop(6, None))),
        after(lambda: (lake.build(remove={12}), expected.pop(12, None))),
    ]
    report = compact(
        lake.handle(catalog), lake.spec, MaintenancePolicy(), writer="test", now_ms=4 * 10**12
    )
    return report.status is Status.SUCCESS, lake.rows() == sorted(expected.items())


def test_a_table_that_is_swapped_all_the_time(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert swapped_all_the_time(lake, monkeypatch) == (True, True)


def _map_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others deleted is looked up once and not on each head that is asserted."""
    real = Replacement.decide
    first: list[Delta] = []

    def decide(self: Replacement, head: Head, may_reuse_files: bool) -> Delta:
        if not first:
            first.append(real(self, head, may_reuse_files))
        return first[0]

    monkeypatch.setattr(Replacement, "decide", decide)


def _map_of_the_start_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, and what is accounted for is told of each head as if it had been looked at."""
    seen: dict[str, object] = {}

    def once(io: object, live: object, paths: object) -> object:
        if not seen:
            seen["found"] = deleted_now(io, live, paths)  # type: ignore[arg-type]
        return seen["found"]

    monkeypatch.setattr(overtaking, "deleted_now", once)


def _not_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others deleted is accounted for and deleted nowhere."""
    monkeypatch.setattr(Replacement, "_moved", lambda *_: {})


def _as_if_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions are taken over as they were."""

    def moved(self: object, positions: dict[str, list[int]]) -> dict[str, list[int]]:
        every = {at for own in positions.values() for at in own}
        return {self._paths[0]: sorted(every)} if every else {}  # type: ignore[attr-defined]

    monkeypatch.setattr("shared.lake.maintenance.moves.Moves.moved", moved)


@pytest.mark.parametrize(
    ("mutant", "expected"),
    [
        (_map_of_the_start, (False, True)),  # the check of the head holds it back
        (_map_of_the_start_unchecked, (True, False)),
        (_not_translated, (True, False)),
        (_as_if_in_place, (True, False)),
    ],
)
def test_planted_faults_are_seen(
    lake: DerivedLake,
    monkeypatch: pytest.MonkeyPatch,
    mutant: Callable[[pytest.MonkeyPatch], None],
    expected: tuple[bool, bool],
) -> None:
    mutant(monkeypatch)
    assert swapped_all_the_time(lake, monkeypatch) == expected
