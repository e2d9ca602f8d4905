"""Row deltas and branches on a real catalog and object store."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake.bootstrap import create_tables
from shared.lake.branches import publish_branch, start_branch
from shared.lake.catalog import load, open_catalog
from shared.lake.commit import Delta, Head, Outcome, Result, Stale, Thinning, commit
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.handle import TableHandle
from shared.lake.level_zero import level_zero_spec
from shared.lake.provenance import Provenance, traced
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.row_changes import delta
from shared.lake.surviving_rows import surviving_rows
from shared.lake.table_state import MAIN
from shared.lake.thinning import ThinningPolicy
from tests.support.derived_lake import TARGET_BYTES, derived_table, origin, rows_of
from tests.support.storage import StorageProcess, module_storage

__all__ = ["module_storage"]

SPEC = derived_table()
BRANCH = "rebuild"
TEN = dict.fromkeys(range(10), 0)


@pytest.fixture
def environment(module_storage: StorageProcess) -> Environment:
    """An environment of its own, with one derived table."""
    found = Environment(f"t{uuid7()[-8:]}")
    create_tables(open_catalog(module_storage.settings), found, [SPEC])
    return found


@pytest.fixture
def handle(module_storage: StorageProcess, environment: Environment) -> TableHandle:
    return TableHandle(open_catalog(module_storage.settings), environment, SPEC.name)


def located(handle: TableHandle, ref: str, keys: Collection[int]) -> dict[str, list[int]]:
    """Where rows of these keys stand in a table whose files have no deletes."""
    head = handle.state().head(ref)
    live = LiveFiles({}, {}) if head is None else live_files(handle.table, head)
    found: dict[str, list[int]] = {}
    for path in live.data:
        ids = surviving_rows(handle.table, SPEC, live, [path])["id"].to_pylist()
        if own := [at for at, key in enumerate(ids) if key in keys]:
            found[path] = own
    return found


def build(
    handle: TableHandle,
    put: Mapping[int, int],
    number: int,
    ref: str = MAIN,
    *,
    replaces: bool = False,
    thinning: Thinning | None = None,
) -> Outcome:
    """A delta planned on the head of a branch."""
    head = handle.reload().head(ref)
    planned = delta(
        handle.table,
        SPEC,
        LiveFiles({}, {}) if head is None else live_files(handle.table, head),
        located(handle, ref, put),
        rows_of(put),
        planned=head,
        carried=origin(number),
        target_bytes=TARGET_BYTES,
        replaces=replaces,
    )
    return send(handle, planned, ref, thinning)


def send(
    handle: TableHandle, planned: Delta, ref: str = MAIN, thinning: Thinning | None = None
) -> Outcome:
    def decide(head: Head, _: bool) -> Delta:
        return planned

    return commit(handle, decide, commit_id=uuid7(), writer="test", ref=ref, thinning=thinning)


def rows(handle: TableHandle, ref: str = MAIN) -> list[tuple[int, int]]:
    """(key, version) as another client reads them."""
    table = load(handle.catalog, handle.environment, SPEC.name)
    found = (table.scan() if ref == MAIN else table.scan().use_ref(ref)).to_arrow()
    return sorted(zip(found["id"].to_pylist(), found["version"].to_pylist(), strict=True))


def start(handle: TableHandle) -> Outcome:
    return start_branch(handle, BRANCH, commit_id=uuid7(), writer="test")


def publish(handle: TableHandle, expected: int | None) -> Outcome:
    return publish_branch(handle, BRANCH, expected, commit_id=uuid7(), writer="test")


def test_a_delta_is_one_snapshot(handle: TableHandle) -> None:
    build(handle, TEN, 1)
    outcome = build(handle, {3: 1, 20: 1}, 2)
    assert outcome.result is Result.COMMITTED
    assert rows(handle) == sorted({**TEN, 3: 1, 20: 1}.items())
    assert outcome.snapshot is not None
    assert outcome.snapshot.summary["total-position-deletes"] == "1"
    assert traced(handle.reload()).provenance == origin(2)


def test_a_change_of_many_partitions_is_a_file_of_the_other_spec_until_it_spills(
    handle: TableHandle,
) -> None:
    apart = level_zero_spec(handle.table)
    assert apart is not None
    assert handle.table.metadata.default_spec_id != apart
    build(handle, TEN, 1)
    build(handle, {20: 1, 21: 1, 22: 1}, 2)
    build(handle, {3: 1, 4: 1, 20: 2}, 3)

    def specs() -> list[int]:
        head = handle.state().head()
        assert head is not None
        return sorted(e.file.spec_id for e in live_files(handle.table, head).data.values())

    assert specs() == [apart - 1] * 3 + [apart] * 2
    expected = sorted({**TEN, 3: 1, 4: 1, 20: 2, 21: 1, 22: 1}.items())
    assert rows(handle) == expected
    policy = FoldingPolicy(spilled_files=2)
    assert fold(handle, SPEC, commit_id=uuid7(), writer="test", policy=policy) is not None
    assert specs() == [apart - 1] * 6
    assert rows(handle) == expected


def test_the_remembered_state_is_the_catalogs(handle: TableHandle) -> None:
    build(handle, TEN, 1)
    build(handle, {3: 1}, 2)
    start(handle)
    assert handle.state() == handle.reload()


def test_a_table_is_built_anew_on_a_branch_and_published(handle: TableHandle) -> None:
    build(handle, TEN, 1)
    main = handle.state().current_snapshot_id
    start(handle)
    build(handle, {1: 7, 2: 7}, 5, BRANCH, replaces=True)
    build(handle, {2: 8}, 6, BRANCH)
    assert rows(handle) == sorted(TEN.items())
    assert rows(handle, BRANCH) == [(1, 7), (2, 8)]
    assert handle.reload().current_snapshot_id == main
    outcome = publish(handle, main)
    assert outcome.result is Result.COMMITTED
    assert rows(handle) == [(1, 7), (2, 8)]
    state = handle.reload()
    assert BRANCH not in state.refs
    assert outcome.snapshot is not None
    assert state.current_snapshot_id == outcome.snapshot.snapshot_id
    assert Provenance.from_mirror(state.properties) == (outcome.snapshot.snapshot_id, origin(6))


@pytest.mark.parametrize("moves", [MAIN, BRANCH])
def test_both_heads_are_asserted_by_one_update(
    module_storage: StorageProcess, environment: Environment, handle: TableHandle, moves: str
) -> None:
    """Somebody else moves one of them behind the back of a handle that remembers the other."""
    build(handle, TEN, 1)
    start(handle)
    remembered = handle.state()
    other = TableHandle(open_catalog(module_storage.settings), environment, SPEC.name)
    send(other, Delta(planned=other.state().head(moves), carried=origin(9)), moves)
    assert handle.state() == remembered
    if moves == MAIN:
        with pytest.raises(Stale, match="not at"):
            publish(handle, remembered.current_snapshot_id)
        assert BRANCH in handle.reload().refs
    else:
        outcome = publish(handle, remembered.current_snapshot_id)
        assert (outcome.result, outcome.conflicts) == (Result.COMMITTED, 1)
        assert traced(handle.reload()).provenance == origin(9)


def test_a_branch_that_was_left_over_is_started_anew(handle: TableHandle) -> None:
    build(handle, TEN, 1)
    start(handle)
    build(handle, {1: 7}, 5, BRANCH, replaces=True)
    start(handle)
    assert rows(handle, BRANCH) == rows(handle) == sorted(TEN.items())


def test_thinning_rides_on_deltas_and_spares_the_branch(handle: TableHandle) -> None:
    build(handle, TEN, 1)
    begun_at = handle.state().current_snapshot_id
    start(handle)
    branch = handle.state().head_id(BRANCH)
    nothing_kept = Thinning(ThinningPolicy(dense_ms=0, minutes_ms=0, hours_ms=0))
    for number in range(3):
        planned = Delta(planned=handle.reload().head(), carried=origin(10 + number))
        send(handle, planned, thinning=nothing_kept)
    outcome = build(handle, {3: 1}, 20, thinning=nothing_kept)
    retained = set(handle.reload().by_id)
    assert outcome.snapshot is not None
    assert retained == {
        branch,
        begun_at,  # a branch that was only started records nothing itself
        outcome.snapshot.snapshot_id,
        outcome.snapshot.parent_snapshot_id,
    }
    assert rows(handle) == sorted({**TEN, 3: 1}.items())
    assert rows(handle, BRANCH) == sorted(TEN.items())
