"""How long what is known of a table is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pyiceberg.io import InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation

from shared.lake.commit import Result, Thinning, commit
from shared.lake.decisions import Change, Delta
from shared.lake.handle import REMEMBERED_S, TableHandle
from shared.lake.thinning import ThinningPlan, ThinningPolicy
from tests.support.lake import LOG, PLAIN, Batch, Lake, reference

EVERYTHING = Thinning(ThinningPolicy(dense_ms=0, minutes_ms=0, hours_ms=0))
EVERYTHING_KEPT = ThinningPlan()


@dataclass
class Clock:
    """Seconds that pass when told."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class ClosedStore(PyArrowFileIO):
    """An object store that takes nothing with the credentials at hand."""

    def new_output(self, location: str) -> Any:
        raise PermissionError(location)

    def new_input(self, location: str) -> Any:
        raise PermissionError(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise PermissionError(str(location))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handle(lake: Lake, clock: Clock) -> TableHandle:
    """Of a table to which it has committed offsets 0 to 19 in two snapshots."""
    found = TableHandle(lake.catalog(), PLAIN, LOG.name, clock)
    land(found, 0)
    land(found, 1)
    return found


def land(handle: TableHandle, number: int, thinning: Thinning | None = None) -> Result:
    """Offsets ``[10 * number, 10 * number + 10)``."""
    decide = Batch(handle, 10 * number, 10 * number + 10).decide
    return commit(handle, decide, commit_id=f"c{number}", writer="test", thinning=thinning).result


def test_a_state_is_remembered_for_a_while(handle: TableHandle, clock: Clock) -> None:
    assert handle.remembered
    clock.now += REMEMBERED_S - 0.1
    assert handle.remembered
    clock.now += 0.1
    assert not handle.remembered
    handle.state()
    assert handle.remembered


def test_a_state_from_the_future_is_not_believed(handle: TableHandle, clock: Clock) -> None:
    clock.now -= 3600
    assert not handle.remembered


def test_what_was_tagged_while_nothing_was_committed_is_not_thinned(
    lake: Lake, handle: TableHandle, clock: Clock
) -> None:
    tagged = lake.state.snapshots[0].snapshot_id
    lake.update(reference("audit", tagged, SnapshotRefType.TAG))
    clock.now += REMEMBERED_S
    assert land(handle, 2, EVERYTHING) is Result.COMMITTED
    assert lake.state.refs["audit"].snapshot_id == tagged
    assert lake.state.snapshot_by_id(tagged) is not None


def test_the_way_to_the_store_is_asked_for_anew_when_it_was_refused(
    lake: Lake, handle: TableHandle
) -> None:
    state = handle.state()
    change = Change(Delta(), Operation.APPEND, lake.positions, {"a": "b"})
    handle.table.io = ClosedStore()
    with pytest.raises(PermissionError):
        handle.stage_change(state, change, EVERYTHING_KEPT)
    staged = handle.stage_change(state, change, EVERYTHING_KEPT)
    assert handle.send(staged).current_snapshot_id == staged.snapshot_id
