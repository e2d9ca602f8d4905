"""Where rows of a rewrite are found again: as a table of every single row would say."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shared.lake.maintenance.moves import Moves, packed

Sizes = list[int]


@st.composite
def rewrites(draw: st.DrawFn) -> tuple[Sizes, list[set[int]], list[tuple[int, int]], list[int]]:
    """Sizes of old files, their deleted positions, surviving rows in a new order, and where that
    order is cut into files."""
    sizes = draw(st.lists(st.integers(0, 12), min_size=1, max_size=5))
    gone = [draw(st.sets(st.integers(0, max(size - 1, 0)), max_size=size)) for size in sizes]
    rows = [
        (file, at) for file, size in enumerate(sizes) for at in range(size) if at not in gone[file]
    ]
    cuts = draw(st.lists(st.integers(0, len(rows)), max_size=3))
    return sizes, gone, rows, sorted({0, *cuts, len(rows)})


def new_files(cuts: list[int]) -> list[tuple[str, int]]:
    return [(f"new-{n}", end - start) for n, (start, end) in enumerate(pairwise(cuts))]


def model(rows: list[tuple[int, int]], cuts: list[int]) -> dict[tuple[int, int], tuple[str, int]]:
    """Every row by itself."""
    found = {}
    for number, origin in enumerate(rows):
        file = max(n for n, start in enumerate(cuts) if start <= number)
        found[origin] = (f"new-{file}", number - cuts[file])
    return found


def asked(moves: Moves, wanted: set[tuple[int, int]]) -> set[tuple[str, int]]:
    positions: dict[str, list[int]] = {}
    for file, at in sorted(wanted):
        positions.setdefault(f"old-{file}", []).append(at)
    found = moves.moved(positions)
    assert all(own == sorted(set(own)) for own in found.values())
    return {(path, at) for path, own in found.items() for at in own}


def check(
    moves: Moves, sizes: Sizes, rows: list[tuple[int, int]], cuts: list[int], data: st.DataObject
) -> None:
    moves.into(new_files(cuts))
    every = [(file, at) for file, size in enumerate(sizes) for at in range(size)]
    wanted = data.draw(st.sets(st.sampled_from(every))) if every else set()
    expected = model(rows, cuts)
    assert asked(moves, wanted) == {expected[each] for each in wanted if each in expected}
    assert moves.rows == len(rows)


@given(rewrites(), st.integers(1, 5), st.data())
def test_rows_that_stay_in_order(
    rewrite: tuple[Sizes, list[set[int]], list[tuple[int, int]], list[int]],
    batch: int,
    data: st.DataObject,
) -> None:
    sizes, gone, rows, cuts = rewrite
    moves = Moves([f"old-{file}" for file in range(len(sizes))])
    for file, size in enumerate(sizes):
        for first in range(0, size, batch):
            count = min(batch, size - first)
            kept = [at - first for at in range(first, first + count) if at not in gone[file]]
            if len(kept) == count:
                moves.run(file, first, count)
            else:
                moves.kept(file, first, pa.array(kept, pa.int64()))
    check(moves, sizes, rows, cuts, data)


@given(rewrites(), st.integers(1, 7), st.data())
def test_rows_that_are_merged_in_any_order(
    rewrite: tuple[Sizes, list[set[int]], list[tuple[int, int]], list[int]],
    batch: int,
    data: st.DataObject,
) -> None:
    sizes, _, rows, cuts = rewrite
    mixed = data.draw(st.permutations(rows))
    moves = Moves([f"old-{file}" for file in range(len(sizes))])
    for first in range(0, len(mixed), batch):
        part = mixed[first : first + batch]
        moves.merged(
            pa.concat_arrays([packed(file, pa.array([at], pa.int64())) for file, at in part])
        )
    check(moves, sizes, mixed, cuts, data)
