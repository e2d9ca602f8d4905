"""An operator's word on where consumption goes on, kept in the table for ever."""

from __future__ import annotations

import pytest

from shared.lake.adoption import KEY_ADOPTED, adopt
from shared.lake.commit import Result, commit
from shared.lake.position import Stretch
from shared.lake.positions import PartitionKey
from shared.lake.recorded import recorded
from shared.runtime.errors import Refused
from tests.support.faulty_catalog import after, lost_response
from tests.support.lake import TOPIC, Batch, Lake

P0, P1, P2 = ((TOPIC, partition) for partition in range(3))


@pytest.fixture
def landed(lake: Lake) -> Lake:
    """Offsets 0 to 9 of partition 0."""
    land(lake, 0, 10)
    return lake


def land(lake: Lake, start: int, end: int) -> Result:
    handle = lake.handle()
    batch = Batch(handle, start, end)
    return commit(handle, batch.decide, commit_id=f"c{start}-{end}", writer="test").result


def state(lake: Lake, at: dict[PartitionKey, int], every: set[PartitionKey] | None = None) -> None:
    adopt(lake.handle(), at, reason="retention was too short", actor="anna", every=every or {P0})


def test_it_is_a_snapshot_without_rows_that_says_why(landed: Lake) -> None:
    state(landed, {P0: 25})
    summary = landed.head.summary
    assert summary[KEY_ADOPTED] == "shop.events/0@25: anna: retention was too short"
    assert summary["bergline.writer"] == "cli"
    assert "added-records" not in summary
    assert landed.offsets().total() == 10
    assert landed.positions.partitions[P0].stretches == (
        Stretch(0, 10, rows=10),
        Stretch(25, 25, reason="anna: retention was too short"),
    )


def test_consumption_goes_on_there_and_nowhere_else(landed: Lake) -> None:
    state(landed, {P0: 25})
    assert land(landed, 10, 20) is Result.NOTHING
    assert land(landed, 20, 30) is Result.COMMITTED
    assert landed.offsets() == {(0, o): 1 for o in [*range(10), *range(25, 30)]}


def test_a_log_made_anew_goes_on_below(landed: Lake) -> None:
    state(landed, {P0: 0})
    assert land(landed, 0, 5) is Result.COMMITTED
    assert [s.rows for s in landed.positions.partitions[P0].stretches] == [10, 5]
    assert landed.positions.next_offset(TOPIC, 0) == 5


def test_other_partitions_stay_where_they_are(landed: Lake) -> None:
    state(landed, {P1: 7, P2: 9})
    assert landed.positions.partitions[P0].stretches == (Stretch(0, 10, rows=10),)
    assert landed.positions.next_offset(TOPIC, 2) == 9


def test_it_stays_visible_after_later_commits(landed: Lake) -> None:
    state(landed, {P0: 25})
    for start in range(25, 35, 5):
        land(landed, start, start + 5)
    (_, adopted) = landed.positions.partitions[P0].stretches
    assert adopted == Stretch(25, 35, rows=10, reason="anna: retention was too short")


def test_lost_positions_are_stated_all_at_once(lake: Lake) -> None:
    lake.foreign_append()
    assert recorded(lake.state).positions is None
    state(lake, {P0: 3, P1: 4}, {P0, P1})
    assert lake.positions.next_offset(TOPIC, 0) == 3
    assert lake.positions.next_offset(TOPIC, 1) == 4


@pytest.mark.parametrize("every", [{P0, P1, P2}, {P0, P1}])
def test_lost_positions_stated_in_part_are_refused(lake: Lake, every: set[PartitionKey]) -> None:
    lake.foreign_append()
    head = lake.head
    with pytest.raises(Refused, match=r"raw\.log has snapshots but no .* shop\.events/1") as no:
        state(lake, {P0: 3}, every)
    assert "--from 0=1200 --from 1=1180" in no.value.next_step
    assert lake.head == head


def test_lost_positions_need_to_know_all_partitions(lake: Lake) -> None:
    lake.foreign_append()
    with pytest.raises(Refused, match=r"raw\.log has snapshots but no recorded positions") as no:
        adopt(lake.handle(), {P0: 3}, reason="lost", actor="anna")
    assert no.value.what.endswith("not stated: which partitions there are")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_is_required(landed: Lake, reason: str) -> None:
    head = landed.head
    with pytest.raises(Refused, match="reason is required"):
        adopt(landed.handle(), {P0: 3}, reason=reason, actor="anna")
    assert landed.head == head


def test_a_negative_offset_is_refused(landed: Lake) -> None:
    with pytest.raises(Refused, match=r"shop\.events/0: offset -1 is negative"):
        state(landed, {P0: -1})


def test_a_statement_about_nothing_is_refused(landed: Lake) -> None:
    head = landed.head
    with pytest.raises(Refused, match="no partition"):
        state(landed, {})
    assert landed.head == head


def test_what_is_committed_meanwhile_is_kept(landed: Lake) -> None:
    catalog = landed.catalog()
    catalog.faults.append(after(lambda: land(landed, 10, 20)))
    outcome = adopt(landed.handle(catalog), {P1: 7}, reason="lost", actor="anna")
    assert outcome.conflicts == 1
    assert landed.positions.next_offset(TOPIC, 0) == 20
    assert landed.positions.next_offset(TOPIC, 1) == 7


def test_an_answer_that_is_lost_does_not_state_it_twice(landed: Lake) -> None:
    catalog = landed.catalog()
    catalog.faults.append(lost_response)
    outcome = adopt(landed.handle(catalog), {P0: 25}, reason="lost", actor="anna")
    assert outcome.result is Result.FOUND
    assert len(landed.positions.partitions[P0].stretches) == 2
