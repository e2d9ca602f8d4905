"""The algebra of positions: what a table has consumed, provable from its head alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lake.position import Stretch, Tail
from shared.lake.positions import (
    KEY_FORMAT,
    KEY_LEDGER,
    KEY_OFFSETS,
    KEY_TAIL,
    MIRROR_PROPERTY,
    Positions,
)

TOPIC = "shop.events"
TAIL = Tail(9, "delivery-9", 1_767_323_046_000)

offsets = st.integers(0, 2**62)
tails = st.builds(Tail, offsets, st.none() | st.text(max_size=40), st.integers(-1, 2**53))
keys = st.tuples(st.sampled_from(["a", "a.b", "stripe.charges", 'é"\\']), st.integers(0, 200))


@st.composite
def positions(draw: st.DrawFn) -> Positions:
    """Positions as a table may come to have them: by consuming and by adopting."""
    found = Positions()
    for topic, partition in draw(st.lists(keys, max_size=6)):
        if draw(st.booleans()):
            found = found.adopt(topic, partition, at=draw(offsets), reason=draw(st.text()))
            continue
        start = found.next_offset(topic, partition)
        start = draw(offsets) if start is None else start
        rows, gaps = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
        found = found.advance(
            topic,
            partition,
            start=start,
            end=start + rows + gaps,
            rows=rows,
            errors=draw(st.integers(0, rows)),
            tail=draw(st.none() | tails),
        )
    return found


def consumed(start: int, end: int, rows: int | None = None, errors: int = 0) -> Positions:
    count = end - start if rows is None else rows
    return Positions().advance(TOPIC, 0, start=start, end=end, rows=count, errors=errors, tail=TAIL)


class TestAdvance:
    def test_a_partition_never_seen_has_no_position(self) -> None:
        assert Positions().next_offset(TOPIC, 0) is None
        assert Positions().tail(TOPIC, 0) is None

    def test_the_first_range_begins_the_ledger(self) -> None:
        found = consumed(5, 10)
        assert found.next_offset(TOPIC, 0) == 10
        assert found.tail(TOPIC, 0) == TAIL
        assert found.partitions[TOPIC, 0].stretches == (Stretch(5, 10, rows=5),)

    def test_offsets_without_a_row_are_gaps(self) -> None:
        assert consumed(0, 10, rows=7).partitions[TOPIC, 0].stretches == (
            Stretch(0, 10, rows=7, gaps=3),
        )

    def test_ranges_add_up(self) -> None:
        found = consumed(0, 10, rows=9, errors=2).advance(
            TOPIC, 0, start=10, end=14, rows=4, errors=1, tail=None
        )
        assert found.partitions[TOPIC, 0].stretches == (Stretch(0, 14, 13, 1, 3),)

    def test_a_range_of_markers_only_keeps_the_last_record_known(self) -> None:
        found = consumed(0, 10).advance(TOPIC, 0, start=10, end=12, rows=0, errors=0, tail=None)
        assert found.next_offset(TOPIC, 0) == 12
        assert found.tail(TOPIC, 0) == TAIL

    def test_positions_are_never_changed_only_replaced(self) -> None:
        before = consumed(0, 10)
        before.advance(TOPIC, 0, start=10, end=20, rows=10, errors=0, tail=None)
        before.adopt(TOPIC, 1, at=7, reason="x")
        assert before == consumed(0, 10)

    @pytest.mark.parametrize("start", [9, 11, 0])
    def test_a_range_that_does_not_continue_is_refused(self, start: int) -> None:
        with pytest.raises(ValueError, match=rf"{TOPIC}/0: table stands at 10, not at {start}"):
            consumed(0, 10).advance(
                TOPIC, 0, start=start, end=start + 5, rows=5, errors=0, tail=None
            )

    @pytest.mark.parametrize(("end", "rows"), [(12, 3), (9, 0), (10, 1)])
    def test_more_rows_than_offsets_are_refused(self, end: int, rows: int) -> None:
        with pytest.raises(ValueError, match=f"{rows} rows in offsets"):
            consumed(0, 10).advance(TOPIC, 0, start=10, end=end, rows=rows, errors=0, tail=None)


class TestAdopt:
    def test_what_was_counted_stays_as_a_closed_stretch(self) -> None:
        found = consumed(0, 10).adopt(TOPIC, 0, at=100, reason="anna: retention")
        assert found.next_offset(TOPIC, 0) == 100
        assert found.partitions[TOPIC, 0].stretches == (
            Stretch(0, 10, rows=10),
            Stretch(100, 100, reason="anna: retention"),
        )

    def test_the_last_record_of_another_log_is_forgotten(self) -> None:
        assert consumed(0, 10).adopt(TOPIC, 0, at=0, reason="recreated").tail(TOPIC, 0) is None

    def test_consumption_goes_on_in_the_new_stretch(self) -> None:
        found = (
            consumed(0, 10)
            .adopt(TOPIC, 0, at=3, reason="recreated")
            .advance(TOPIC, 0, start=3, end=5, rows=1, errors=1, tail=None)
        )
        assert found.partitions[TOPIC, 0].stretches == (
            Stretch(0, 10, rows=10),
            Stretch(3, 5, rows=1, gaps=1, errors=1, reason="recreated"),
        )

    def test_a_partition_never_seen_can_be_adopted(self) -> None:
        found = Positions().adopt(TOPIC, 4, at=12, reason="lost")
        assert found.partitions[TOPIC, 4].stretches == (Stretch(12, 12, reason="lost"),)


class TestSummary:
    @given(positions())
    def test_what_is_written_is_read(self, written: Positions) -> None:
        assert Positions.from_summary(written.to_summary()) == written

    @given(positions(), st.integers(-(2**63), 2**63 - 1))
    def test_the_mirror_repeats_it_for_one_snapshot(
        self, written: Positions, snapshot_id: int
    ) -> None:
        mirror = written.to_mirror(snapshot_id)
        assert Positions.from_mirror(mirror) == (snapshot_id, written)

    @given(positions())
    def test_in_every_stretch_offsets_are_rows_and_gaps(self, found: Positions) -> None:
        for position in found.partitions.values():
            for stretch in position.stretches:
                assert stretch.next - stretch.first == stretch.rows + stretch.gaps
                assert stretch.errors <= stretch.rows

    @given(positions())
    def test_the_plain_map_of_offsets_agrees_with_the_ledger(self, found: Positions) -> None:
        plain = json.loads(found.to_summary()[KEY_OFFSETS])
        assert {
            (topic, int(partition)): offset
            for topic, of_topic in plain.items()
            for partition, offset in of_topic.items()
        } == {key: position.next for key, position in found.partitions.items()}

    def test_the_format_as_other_readers_see_it(self) -> None:
        assert consumed(0, 10, rows=9, errors=1).to_summary() == {
            KEY_FORMAT: "1",
            KEY_OFFSETS: '{"shop.events":{"0":10}}',
            KEY_TAIL: '{"shop.events":{"0":[9,"delivery-9",1767323046000]}}',
            KEY_LEDGER: '{"shop.events":{"0":[[0,10,9,1,1,""]]}}',
        }

    def test_a_foreign_summary_carries_none(self) -> None:
        assert Positions.from_summary({"added-records": "7", "engine-name": "spark"}) is None

    def test_half_a_summary_carries_none(self) -> None:
        summary = consumed(0, 10).to_summary()
        del summary[KEY_LEDGER]
        assert Positions.from_summary(summary) is None

    def test_a_newer_format_is_refused_rather_than_misread(self) -> None:
        summary = consumed(0, 10).to_summary() | {KEY_FORMAT: "2"}
        with pytest.raises(ValueError, match="format 2, this version reads 1"):
            Positions.from_summary(summary)
        with pytest.raises(ValueError, match="format 2, this version reads 1"):
            Positions.from_mirror(
                {MIRROR_PROPERTY: json.dumps({"snapshot": 1, "summary": summary})}
            )

    def test_a_table_without_the_property_has_no_mirror(self) -> None:
        assert Positions.from_mirror({"format-version": "2"}) is None
