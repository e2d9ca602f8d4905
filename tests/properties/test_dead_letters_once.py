"""However announcements of dead letters are repeated, ordered, cut and landed: a row per letter."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.dead_letters import DeadLetter
from shared.contracts.topics import DEAD_LETTERS as TOPIC
from shared.tables.metadata import DEAD_LETTERS
from tests.support.lake import Lake
from tests.support.letters import LetterTable, letter, request

LETTERS: tuple[DeadLetter, ...] = (
    letter(1),
    letter(2),
    letter(2, "of another log"),
    letter(2, None),
    letter(30, topic="stripe.charges"),
    request(1),
    request(2, "hubspot.events"),
)

HISTORIES = st.lists(
    st.tuples(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=6), st.booleans()),
    min_size=1,
    max_size=4,
)
"""Batches of announcements, and before which of them the writer is another one."""


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=HISTORIES, again=st.integers(0, 3))
def test_a_row_per_letter(history: list[tuple[list[DeadLetter], bool]], again: int) -> None:
    """``again`` batches are offered once more, as by a worker that was cut off."""
    with tempfile.TemporaryDirectory() as directory:
        table = LetterTable(Lake(Path(directory), DEAD_LETTERS))
        at, offered = 0, []
        for batch, other_writer in history:
            if other_writer:
                table.another()
            table.land(batch, at)
            offered.append((batch, at))
            at += len(batch)
        for batch, start in offered[:again]:
            table.another().first_seen.clear()
            table.land(batch, start)
        told = {(each.event_id(), each.delivery_id) for batch, _ in history for each in batch}
        rows = table.rows("_event_id", "delivery_id")
        assert sorted(rows, key=str) == sorted(told, key=str), "once each, and all of them"
        (stretch,) = table.lake.positions.partitions[TOPIC, 0].stretches
        assert (stretch.next, stretch.rows, stretch.gaps) == (at, len(told), at - len(told))
