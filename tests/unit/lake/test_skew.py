"""How uneven partitions are."""

from __future__ import annotations

import pytest

from shared.lake.inventory import DataFileFigures
from shared.lake.skew import skew


def file(partition: str, size: int) -> DataFileFigures:
    return DataFileFigures(f"{partition}/{size}.parquet", 1, size, partition, 0)


def test_the_largest_partition_is_compared_with_the_median_one() -> None:
    found = skew([file("a", 10), file("b", 20), file("c", 30), file("c", 50), file("c", 1)])

    assert found is not None
    assert (found.partitions, found.largest, found.largest_bytes) == (3, "c", 81)
    assert (found.median_bytes, found.largest_files, found.most_files) == (20, 3, 3)
    assert found.ratio == pytest.approx(4.05)


def test_one_partition_is_even_and_no_file_is_nothing() -> None:
    alone = skew([file("", 7)])

    assert alone is not None
    assert alone.ratio == 1.0
    assert skew([]) is None


def test_of_equal_partitions_the_first_by_name_is_told() -> None:
    found = skew([file("b", 5), file("a", 5)])

    assert found is not None
    assert found.largest == "a"
