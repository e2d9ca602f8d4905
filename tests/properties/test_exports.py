"""Laws of exports: whatever is split, repeated, announced again or lost, an event is a row once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.exceptions import ServerError

from services.stream_writer.exports.export_committing import pieces
from services.stream_writer.exports.file_rows import identify
from services.stream_writer.exports.limits import Limits
from shared.lake.commit import Result
from tests.support.exports import GA4_EVENTS, SCHEMA, TOPIC, Exports, event, offered, ready
from tests.support.faulty_catalog import (
    Fault,
    answers_after_commit,
    conflict,
    lost_request,
    lost_response,
)

pytestmark = pytest.mark.timeout(600)

HOUR = 3_600_000_000
NUMBERS = st.sampled_from([0, 1, 2, 3, 7 * HOUR, 7 * HOUR + 1, 900 * HOUR, -HOUR * 500_000])
"""Moments of few hours far from each other, one before 1970."""
EVENTS = st.tuples(NUMBERS, st.sampled_from(["a", "b", None]))
FAULTS: list[Fault] = [
    conflict,
    lost_request,
    lost_response,
    answers_after_commit(ServerError("injected")),
]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    files=st.lists(st.lists(EVENTS, max_size=12), min_size=1, max_size=3),
    order=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    faults=st.lists(st.sampled_from(FAULTS), max_size=2),
    group=st.integers(1, 5),
)
def test_the_table_is_the_set_of_events_that_any_file_held(
    files: list[list[tuple[int, str | None]]],
    order: list[int],
    faults: list[Fault],
    group: int,
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        exports = Exports(Path(directory), Limits(bad_minimum=1000))
        paths = [
            exports.file(
                f"{number}.parquet",
                [event(moment, client_id=client) for moment, client in told],
                rows_of_a_group=group,
            )
            for number, told in enumerate(files)
        ]
        announced = [number % len(files) for number in order]
        exports.load(*(paths[number] for number in announced), faults=faults)
        expected = {one for number in announced for one in files[number]}
        found = {(row["event_timestamp"], row["client_id"]) for row in exports.rows()}
        assert found == {(event(moment)["event_timestamp"], client) for moment, client in expected}
        assert len(exports.ids()) == len(set(exports.ids())) == len(expected)
        # The same records read again by the next owner of the partition.
        for piece in pieces(offered(0, *(ready(paths[number]) for number in announced))):
            assert exports.land(piece)[1].result is Result.NOTHING
        [stretch] = exports.lake.positions.partitions[TOPIC, 0].stretches
        assert (stretch.files, stretch.rows, stretch.gaps) == (len(order), 0, 0)
        assert stretch.loaded == len(exports.rows())


def test_the_law_above_tells_events_apart_as_the_table_does() -> None:
    told = [event(0), event(1), event(0, event_name="scroll"), event(0, client_id="x")]
    batch = pa.Table.from_pylist(told, schema=SCHEMA).to_batches()[0]
    assert len(set(identify(GA4_EVENTS, batch).ids)) == 4
