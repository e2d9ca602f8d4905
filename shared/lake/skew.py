"""How unevenly a table's data lies in its partitions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from shared.lake.inventory import DataFileFigures


@dataclass(frozen=True, slots=True)
class Skew:
    """Partitions with files, compared; level 0 counts as one.

    Attributes:
        partitions: how many there are.
        largest: the one with most bytes, in words; empty outside of partitions.
        largest_bytes: of its files.
        largest_files: how many they are.
        median_bytes: of a partition.
        most_files: of any partition.
    """

    partitions: int
    largest: str
    largest_bytes: int
    largest_files: int
    median_bytes: int
    most_files: int

    @property
    def ratio(self) -> float:
        """Bytes of the largest partition for each of the median one; 1.0 is even."""
        return self.largest_bytes / self.median_bytes if self.median_bytes else 1.0


def skew(files: Iterable[DataFileFigures]) -> Skew | None:
    """Compare the partitions that files lie in; ``None`` without files."""
    sizes: dict[str, list[int]] = {}
    for each in files:
        sizes.setdefault(each.partition, []).append(each.bytes)
    if not sizes:
        return None
    totals = {partition: sum(own) for partition, own in sizes.items()}
    largest = max(sorted(totals), key=totals.__getitem__)
    return Skew(
        partitions=len(totals),
        largest=largest,
        largest_bytes=totals[largest],
        largest_files=len(sizes[largest]),
        median_bytes=int(median(totals.values())),
        most_files=max(map(len, sizes.values())),
    )
