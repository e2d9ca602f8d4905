"""When a record reached the mart is told by the mart's own history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from deploy.demo.deriving import missing_from, topics_of
from deploy.demo.mart_freshness import Freshness, freshness
from deploy.demo.marts import MART
from shared.lake.provenance import Provenance
from shared.lake.table_state import SnapshotEntry, TableState
from shared.runtime.log_bounds import LogBounds
from shared.tables.registry import TABLES

TOPIC = "shopify.orders"
BEGAN = datetime(2026, 6, 1, tzinfo=UTC)


def snapshot(number: int, second: float, complete: dict[int, int], parent: int | None) -> Any:
    """The mart's snapshot of that moment, complete up to those offsets by partition."""
    offsets = {(TOPIC, partition): offset for partition, offset in complete.items()}
    return SnapshotEntry(
        snapshot_id=number,
        sequence_number=number,
        parent_snapshot_id=parent,
        timestamp_ms=int((BEGAN + timedelta(seconds=second)).timestamp() * 1000),
        summary=Provenance({}, "1:code", None, offsets).to_summary(),
    )


def history(*snapshots: SnapshotEntry) -> TableState:
    head = snapshots[-1].snapshot_id if snapshots else None
    return TableState(
        table_uuid="uuid", location="s3://mart", snapshots=snapshots, current_snapshot_id=head
    )


def received(*records: Sequence[float]) -> pa.Table:
    """(partition, offset, second of receipt) of each record."""
    return pa.table(
        {
            "_topic": [TOPIC] * len(records),
            "_partition": pa.array([int(one[0]) for one in records], pa.int32()),
            "_offset": pa.array([int(one[1]) for one in records], pa.int64()),
            "_received_at": pa.array(
                [BEGAN + timedelta(seconds=one[2]) for one in records], pa.timestamp("us", "UTC")
            ),
        }
    )


def longest(found: Freshness) -> float | None:
    return found.seconds["max"]


def test_a_record_is_there_from_the_first_snapshot_that_is_complete_beyond_it() -> None:
    mart = history(
        snapshot(1, 1.0, {0: 5}, None), snapshot(2, 2.0, {0: 6}, 1), snapshot(3, 9.0, {0: 7}, 2)
    )

    assert longest(freshness(mart, received((0, 4, 0.5)))) == pytest.approx(0.5)
    assert longest(freshness(mart, received((0, 5, 0.5)))) == pytest.approx(1.5)


def test_quantiles_are_over_all_records() -> None:
    mart = history(snapshot(1, 10.0, {0: 101}, None))

    found = freshness(mart, received(*((0, number, number / 10) for number in range(101))))

    assert found.records == 101
    assert found.seconds["p50"] == pytest.approx(5.0)
    assert found.seconds["p99"] == pytest.approx(9.9)
    assert found.seconds["max"] == pytest.approx(10.0)


def test_partitions_are_told_apart() -> None:
    mart = history(snapshot(1, 1.0, {0: 9, 1: 0}, None), snapshot(2, 4.0, {0: 9, 1: 9}, 1))

    assert longest(freshness(mart, received((0, 3, 0.0)))) == pytest.approx(1.0)
    assert longest(freshness(mart, received((1, 3, 0.0)))) == pytest.approx(4.0)


def test_a_record_beyond_every_snapshot_is_in_no_figure_but_counted() -> None:
    mart = history(snapshot(1, 1.0, {0: 5}, None))

    found = freshness(mart, received((0, 4, 0.0), (0, 5, 0.0), (3, 0, 0.0)))

    assert (found.records, found.not_reached) == (3, 2)
    assert longest(found) == pytest.approx(1.0)


def test_a_mart_that_was_never_built_reached_nothing() -> None:
    found = freshness(history(), received((0, 0, 0.0)))

    assert found.not_reached == 1
    assert longest(found) is None


@pytest.mark.parametrize(("parent", "upper_bound"), [(1, False), (2, True)])
def test_a_figure_is_an_upper_bound_where_snapshots_in_between_are_gone(
    parent: int, upper_bound: bool
) -> None:
    mart = history(snapshot(1, 1.0, {0: 5}, None), snapshot(3, 3.0, {0: 9}, parent))

    assert freshness(mart, received((0, 4, 0.0))).upper_bound is False
    assert freshness(mart, received((0, 7, 0.0))).upper_bound is upper_bound


def test_a_snapshot_that_completes_nothing_new_changes_no_figure() -> None:
    """A tick or a rollback commits again, later; the record was there before."""
    mart = history(snapshot(1, 1.0, {0: 5}, None), snapshot(2, 99.0, {0: 5}, 1))

    assert longest(freshness(mart, received((0, 4, 0.0)))) == pytest.approx(1.0)


def test_the_mart_comes_from_orders_alone() -> None:
    assert topics_of(TABLES[MART]) == {TOPIC}


def test_what_is_missing_is_counted_from_the_log_start_and_of_its_topics_only() -> None:
    ends = {
        (TOPIC, 0): LogBounds(0, 5),
        (TOPIC, 1): LogBounds(10, 14),
        ("shopify.customers", 0): LogBounds(0, 100),
    }

    assert missing_from(TABLES[MART], history(), ends) == 9
    built = history(snapshot(1, 1.0, {0: 5, 1: 11}, None))
    assert missing_from(TABLES[MART], built, ends) == 3
    later = history(snapshot(1, 1.0, {0: 6, 1: 20}, None))
    assert missing_from(TABLES[MART], later, ends) == 0
