"""Rows sorted by way of disk are those sorted in memory, whatever the values of the keys."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.lake.maintenance.row_groups import Held
from shared.lake.maintenance.sorting import in_order
from tests.properties.test_changes import EXAMPLES

I64 = st.integers(-(2**63), 2**63 - 1)
KEYS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.sampled_from(["", "a", "ab", "z", "\uffff", "\U0001f600"]),
    pa.int64(): I64,
    pa.float64(): st.sampled_from([float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 1.5]),
    pa.timestamp("us", "UTC"): I64,
    pa.date32(): st.integers(-(2**31), 2**31 - 1),
}
"""Beyond what Python's own types hold, too."""


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), st.lists(st.sampled_from(list(KEYS)), min_size=1, max_size=2))
def test_runs_on_disk_are_merged_as_if_sorted_at_once(
    data: st.DataObject, kinds: list[pa.DataType]
) -> None:
    columns = [f"key{number}" for number in range(len(kinds))]
    keys = st.tuples(*(st.none() | KEYS[kind] for kind in kinds))
    lists = data.draw(st.lists(st.lists(keys, min_size=1, max_size=5), min_size=1, max_size=8))
    parts = [
        pa.table(
            {
                name: pa.array([key[at] for key in rows], kind)
                for at, (name, kind) in enumerate(zip(columns, kinds, strict=True))
            }
        )
        for rows in lists
    ]
    whole = pa.concat_tables(parts)
    held = Held()
    sizes = st.sampled_from([1, 64, 1 << 20])
    found = pa.concat_tables(
        in_order(parts, columns, most_bytes=data.draw(sizes), rows=len(whole), held=held)
    )
    expected = whole.sort_by([(name, "ascending") for name in columns])
    assert str(_plain(found)) == str(_plain(expected))
    assert held.now == 0


def test_parts_of_a_batch_are_no_more_than_the_batch_was() -> None:
    """Two slices both count the byte in which their validity bits meet."""
    lists: list[list[str | None]] = [[None], [None], [None], [None, None, None, ""], [""]]
    parts = [
        pa.table(
            {
                "first": pa.array([None] * len(each), pa.string()),
                "second": pa.array(each, pa.string()),
            }
        )
        for each in lists
    ]
    held = Held()
    found = in_order(parts, ["first", "second"], most_bytes=64, rows=8, held=held)
    assert sum(len(each) for each in found) == 8
    assert held.now == 0


def _plain(rows: pa.Table) -> list[list[Any]]:
    """Moments as numbers; zeros of either sign are equal to who sorts."""
    as_numbers = {pa.timestamp("us", "UTC"): pa.int64(), pa.date32(): pa.int32()}
    return [
        [
            0.0 if value == 0.0 else value
            for value in column.cast(as_numbers.get(column.type, column.type)).to_pylist()
        ]
        for column in rows.columns
    ]
