"""Figures of compactions: megabytes per CPU-second beside the peer of the same round."""

from collections.abc import Sequence

import pytest

from shared.runtime.errors import CheckFailed
from tests.bench.compaction.contestant import Cost
from tests.bench.compaction.figures import MB, MIB, Compacted, Runs, Shape, measures
from tests.bench.compaction.same_rows import Rows, require_same
from tests.bench.report import Measure


def runs(title: str, cpu: Sequence[float], *, peak: int = 100, files: int = 2) -> Runs:
    """The first of ``cpu`` is by a new process."""
    done = [Compacted(Cost(each, 2 * each, peak * MIB), 0.5, files, 90 * MB) for each in cpu]
    return Runs(title, 0.25, done[0], done[1:])


def by_name(shapes: Sequence[Shape]) -> dict[str, Measure]:
    told = measures(shapes)
    found = {each.name: each for each in told}
    assert len(found) == len(told)
    return found


def test_speed_is_of_what_was_compacted_and_beside_spark_of_the_same_round() -> None:
    peers = {"spark": runs("Spark", [20.0, 8.0, 10.0]), "other": runs("other", [4.0, 2.0, 2.0])}
    told = by_name([Shape("compact_200", 200, 100 * MB, runs("ours", [5.0, 2.0, 4.0]), peers)])
    warm = told["compact_200"]
    assert (warm.value, warm.unit) == (37.5, "MB/CPU-s")  # of 50 and 25
    assert warm.ratio == pytest.approx(3.25)  # of 4 and 2.5
    assert warm.peer == "Spark (11.2)"
    assert told["compact_200_first"].ratio == pytest.approx(4.0)
    assert told["compact_200_beside_other"].ratio == pytest.approx(0.75)
    assert told["compact_200_start"].value == 0.25
    assert told["compact_200_files_before"].value == 200
    assert told["compact_200_files_after"].value == 2
    assert told["compact_200_bytes_after"].value == 90
    assert told["compact_200_storage"].value == 0.5
    assert told["compact_200_storage_spark"].value == 0.5


def test_peak_memory_is_the_largest_of_all_shapes() -> None:
    few = Shape(
        "compact_200",
        200,
        MB,
        runs("ours", [1, 1], peak=300),
        {"spark": runs("Spark", [1, 1], peak=900)},
    )
    many = Shape(
        "compact_1000",
        1000,
        MB,
        runs("ours", [1, 1], peak=400),
        {"spark": runs("Spark", [1, 1], peak=800)},
    )
    peak = by_name([few, many])["compact_peak_rss"]
    assert (peak.value, peak.peer) == (400, "Spark (900)")
    assert peak.ratio == pytest.approx(400 / 900, rel=0.01)


def test_without_peers_figures_stand_alone() -> None:
    told = by_name([Shape("compact_20", 20, MB, runs("ours", [1, 1]), {})])
    assert {"compact_20", "compact_20_first", "compact_peak_rss"} <= told.keys()
    assert all(each.peer is None for each in told.values())


@pytest.mark.parametrize("after", [Rows(9, 77), Rows(10, 78)], ids=["lost", "changed"])
def test_rows_that_were_lost_or_changed_are_no_figure(after: Rows) -> None:
    require_same("somebody", Rows(10, 77), Rows(10, 77))
    with pytest.raises(CheckFailed, match="after somebody had compacted"):
        require_same("somebody", Rows(10, 77), after)
