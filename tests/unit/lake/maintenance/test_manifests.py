"""Piled-up manifests become few, and the rows are the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pyiceberg.manifest import ManifestContent
from pyiceberg.table.update import SetPropertiesUpdate

from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.manifests import rewrite_manifests
from shared.lake.provenance import traced
from tests.support.derived_lake import DerivedLake, swaps
from tests.support.faulty_catalog import after

COMMITS = 20
Kind = tuple[ManifestContent, int]


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """So few commits that none of them merged anything."""
    found = DerivedLake(tmp_path)
    for put, removed in swaps(3, COMMITS, 60):
        found.build(put, removed)
    return found


def manifests(lake: DerivedLake) -> Counter[Kind]:
    """How many there are of each content and partition spec."""
    snapshot = lake.table.current_snapshot()
    assert snapshot is not None
    return Counter((m.content, m.partition_spec_id) for m in snapshot.manifests(lake.table.io))


def test_one_is_left_of_each_kind_and_spec(lake: DerivedLake) -> None:
    before, rows, built = manifests(lake), lake.rows(), traced(lake.state).provenance
    assert max(before.values()) >= 10
    report = rewrite_manifests(lake.handle(), lake.spec, writer="test")
    assert report.status is Status.SUCCESS
    data = {kind: n for kind, n in before.items() if kind[0] == ManifestContent.DATA}
    assert report.data_before == sum(data.values())
    assert report.data_before + report.deletes_before == before.total()
    assert manifests(lake) == Counter(dict.fromkeys(before, 1))
    assert report.data_after + report.deletes_after == len(before)
    assert lake.rows() == rows
    assert lake.head.summary["operation"] == "replace"
    assert traced(lake.state).provenance == built


def test_tables_whose_properties_switch_merging_off_are_no_exception(lake: DerivedLake) -> None:
    lake.update(SetPropertiesUpdate(updates={"commit.manifest-merge.enabled": "false"}))
    kinds = len(manifests(lake))
    rewrite_manifests(lake.handle(), lake.spec, writer="test")
    assert manifests(lake).total() == kinds


def test_where_there_is_nothing_to_put_together_nothing_is_committed(lake: DerivedLake) -> None:
    rewrite_manifests(lake.handle(), lake.spec, writer="test")
    head = lake.head
    report = rewrite_manifests(lake.handle(), lake.spec, writer="test")
    assert report.status is Status.SKIPPED
    assert lake.head == head


def test_a_dry_run_tells_what_would_be_left(lake: DerivedLake) -> None:
    head = lake.head
    told = rewrite_manifests(lake.handle(), lake.spec, writer="test", dry_run=True)
    assert (told.status, lake.head) == (Status.DRY_RUN, head)
    done = rewrite_manifests(lake.handle(), lake.spec, writer="test")
    assert (told.data_after, told.deletes_after) == (done.data_after, done.deletes_after)


def test_a_commit_of_somebody_else_is_kept(lake: DerivedLake) -> None:
    handle = lake.handle()
    handle.catalog.faults.append(after(lambda: lake.build({3: 99})))  # type: ignore[attr-defined]
    rewrite_manifests(handle, lake.spec, writer="test")
    assert dict(lake.rows())[3] == 99
    assert max(manifests(lake).values()) == 1
