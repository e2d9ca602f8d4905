"""Whatever is lost on the way, a delta happens once and whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyiceberg.table import CommitTableResponse

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Result, Stale
from shared.lake.row_changes import COPY_ON_WRITE, MERGE_ON_READ
from tests.support.derived_lake import DerivedLake
from tests.support.faulty_catalog import (
    Fault,
    FaultyCatalog,
    Send,
    after,
    conflict,
    late,
    lost_request,
    lost_response,
)
from tests.support.lake import commit_ids, manifests_named, manifests_on_disk

TEN = dict.fromkeys(range(10), 0)
CHANGED = sorted({**TEN, 3: 1, 20: 1}.items() - {(4, 0)})


class Killed(BaseException):
    """The process ends here."""


def killed(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
    """Between what was staged and its sending."""
    raise Killed


@pytest.fixture(params=[MERGE_ON_READ, COPY_ON_WRITE])
def lake(tmp_path: Path, request: pytest.FixtureRequest) -> DerivedLake:
    found = DerivedLake(tmp_path, request.param)
    found.build(TEN)
    return found


def changing(lake: DerivedLake) -> Delta:
    return lake.plan({3: 1, 20: 1}, remove={4})


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (conflict, Result.COMMITTED),
        (lost_request, Result.COMMITTED),
        (lost_response, Result.FOUND),
        (late, Result.COMMITTED),
    ],
)
def test_it_happens_once(lake: DerivedLake, fault: Fault, result: Result) -> None:
    catalog = lake.catalog()
    catalog.faults.append(fault)
    outcome = lake.send(changing(lake), lake.handle(catalog), commit_id="once")
    assert outcome.result is result
    assert catalog.deliver_held() == 0
    assert commit_ids(lake.state)["once"] == 1
    assert lake.rows() == CHANGED


@pytest.mark.parametrize("first", [lost_request, lost_response, late])
@pytest.mark.parametrize("second", [lost_request, lost_response, late, conflict])
def test_it_happens_once_when_two_attempts_go_wrong(
    lake: DerivedLake, first: Fault, second: Fault
) -> None:
    catalog = lake.catalog()
    catalog.faults += [first, second]
    lake.send(changing(lake), lake.handle(catalog), commit_id="once")
    catalog.deliver_held()
    assert commit_ids(lake.state)["once"] == 1
    assert lake.rows() == CHANGED


def test_a_request_that_arrives_late_finds_its_head_gone(lake: DerivedLake) -> None:
    """Its sender planned again meanwhile, as others had committed."""
    catalog = lake.catalog()
    catalog.faults.append(late)
    handle, planned, identity = lake.handle(catalog), changing(lake), uuid7()
    catalog.faults.append(after(lambda: lake.build({3: 7})))
    with pytest.raises(Stale):
        lake.send(planned, handle, commit_id=identity)
    lake.send(changing(lake), handle, commit_id=identity)
    assert catalog.deliver_held() == 0
    assert lake.rows() == CHANGED


def test_killed_between_staging_and_sending_it_never_happened(lake: DerivedLake) -> None:
    catalog = lake.catalog()
    catalog.faults.append(killed)
    before, planned = lake.head, changing(lake)
    with pytest.raises(Killed):
        lake.send(planned, lake.handle(catalog), commit_id="once")
    assert lake.head == before
    assert lake.rows() == sorted(TEN.items())
    assert manifests_on_disk(lake) > manifests_named(lake)  # for the orphan sweep
    lake.send(changing(lake), commit_id="once")
    assert commit_ids(lake.state)["once"] == 1
    assert lake.rows() == CHANGED


def test_killed_before_the_answer_it_is_found_by_its_id(lake: DerivedLake) -> None:
    def after_the_commit(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
        send()
        raise Killed

    catalog = lake.catalog()
    catalog.faults.append(after_the_commit)
    planned = changing(lake)
    with pytest.raises(Killed):
        lake.send(planned, lake.handle(catalog), commit_id="once")
    assert lake.send(planned, commit_id="once").result is Result.FOUND
    assert lake.rows() == CHANGED


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda lake: lake.build({3: 5}),
        lambda lake: lake.build(remove={3}),
        lambda lake: lake.build({3: 1, 20: 1}, remove={4}),
    ],
)
def test_what_others_do_between_load_and_send_is_never_undone(
    lake: DerivedLake, meanwhile: Callable[[DerivedLake], object]
) -> None:
    catalog, there = lake.catalog(), []
    catalog.faults.append(after(lambda: there.append(meanwhile(lake) and lake.rows())))
    planned = changing(lake)
    with pytest.raises(Stale):
        lake.send(planned, lake.handle(catalog))
    assert there == [lake.rows()]


def test_manifests_of_a_lost_race_are_deleted(lake: DerivedLake) -> None:
    catalog = lake.catalog()
    catalog.faults.append(after(lambda: lake.build({3: 5})))
    planned = changing(lake)
    with pytest.raises(Stale):
        lake.send(planned, lake.handle(catalog))
    assert manifests_on_disk(lake) == manifests_named(lake)
