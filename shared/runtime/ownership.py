"""Which worker works on which table: whoever has the partition of its requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aiokafka.partitioner import murmur2


def partition_of(target: str, partitions: int) -> int:
    """Partition of a target's requests, as Kafka's default partitioner places them by key."""
    placed: int = murmur2(target.encode()) & 0x7FFFFFFF
    return placed % partitions


def owned(targets: Iterable[str], mine: Collection[int], partitions: int) -> frozenset[str]:
    """Targets whose requests come to ``mine`` of so many partitions."""
    return frozenset(each for each in targets if partition_of(each, partitions) in mine)
