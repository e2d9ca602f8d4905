"""Spills of level 0, folding and compaction: no row and no change is ever another one.

Rows are what was put and removed, whatever the order of builds, folds and compactions, and what
changed between any two versions is what differs in their rows: a spill is nothing that a reader of
changes sees. None of them leaves a position of a file that is gone.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.identity import uuid7
from shared.lake.checking.deletes import check_deletes
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.level_zero import level_zero_spec
from shared.lake.maintenance.compaction import compact
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.reading.changes import changes
from shared.lake.reading.scan import scan
from shared.lake.table_state import SnapshotEntry
from tests.properties.test_changes import EXAMPLES
from tests.support.derived_lake import DerivedLake

COLUMNS = ("id", "version")
KEYS = st.integers(0, 11)
"""Of three months, so that most changes are of several."""

BUILD = st.tuples(st.dictionaries(KEYS, st.integers(1, 3), max_size=5), st.sets(KEYS, max_size=3))
FOLD = st.builds(
    FoldingPolicy,
    delete_commits=st.integers(1, 5),
    spilled_files=st.integers(1, 3),
    spilled_rows=st.sampled_from([1, 5, 100]),
    joined_files=st.integers(1, 4),
    joined_deletes=st.integers(1, 4),
    least_deleted=st.sampled_from([1, 1000]),
    small_bytes=st.sampled_from([0, 1 << 20]),
)
COMPACT = st.builds(
    MaintenancePolicy,
    target_bytes=st.sampled_from([500, 1500, 1 << 20]),
    small_share=st.sampled_from([0.5, 1.0]),
    deleted_share=st.sampled_from([0.1, 1.0]),
    least_files=st.just(2),
    least_benefit=st.just(0.0),
)
"""A group is of four targets; a file has a kilobyte or more: mostly of few files, some of all."""
STEP = st.one_of(BUILD, BUILD, BUILD, FOLD, COMPACT)
Rows = Counter[Any]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data(), st.lists(STEP, min_size=3, max_size=12))
def test_no_row_notices(data: st.DataObject, steps: list[Any]) -> None:
    expected: dict[int, int] = dict.fromkeys(range(6), 0)
    with tempfile.TemporaryDirectory() as directory:
        lake = DerivedLake(Path(directory))
        lake.build(expected)
        accounts: dict[int, Rows] = {}
        for step in steps:
            if isinstance(step, FoldingPolicy):
                fold(lake.handle(), lake.spec, commit_id=uuid7(), writer="test", policy=step)
            elif isinstance(step, MaintenancePolicy):
                compact(lake.handle(), lake.spec, step, writer="test", now_ms=4 * 10**12)
            else:
                put, removed = step
                for key in removed - put.keys():
                    expected.pop(key, None)
                expected |= put
                lake.build(put, removed - put.keys())
            accounts[lake.head.snapshot_id] = Counter(expected.items())
            assert lake.rows() == sorted(expected.items())
            assert check_deletes(lake.table.io, lake.live())[0].findings == ()
            assert (
                Counter(scan(lake.table, lake.head, COLUMNS).rows())
                == accounts[lake.head.snapshot_id]
            )
        versions = [lake.state.by_id[number] for number in accounts]
        for _ in range(4):
            start = data.draw(st.sampled_from(versions), label="start")
            end = data.draw(st.sampled_from(versions), label="end")
            changes_are_right(lake, start, end, accounts)


def changes_are_right(
    lake: DerivedLake, start: SnapshotEntry, end: SnapshotEntry, accounts: dict[int, Rows]
) -> None:
    """Also where the versions between the two are not retained."""
    before, after = accounts[start.snapshot_id], accounts[end.snapshot_id]
    for history in (None, lambda _: None):
        found = changes(lake.table, start, end, added=COLUMNS, removed=COLUMNS, history=history)
        assert found.exact
        assert Counter(found.added.rows()) == after - before
        assert Counter(found.removed.rows()) == before - after


def test_a_spill_is_stepped_over_without_reading_a_row(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(6), 0))
    lake.build({0: 1, 1: 1})
    lake.build({0: 2, 2: 1})
    before = lake.head
    policy = FoldingPolicy(spilled_files=1)
    assert fold(lake.handle(), lake.spec, commit_id="spill", writer="test", policy=policy)
    spec_id = level_zero_spec(lake.table)
    assert all(each.file.spec_id != spec_id for each in lake.live().data.values())
    found = changes(lake.table, before, lake.head, added=COLUMNS, removed=COLUMNS)
    assert (found.added.height, found.removed.height, found.stats.files) == (0, 0, 0)
