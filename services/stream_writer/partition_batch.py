"""What one fetch of one partition delivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PartitionKey = tuple[str, int]
"""(logical topic, partition)."""


@dataclass(frozen=True, slots=True)
class PartitionBatch:
    """Records of the offsets ``[start, end)`` of one partition, in order.

    ``start`` is the position that the fetch asked for and ``end`` the position after it: both
    come from the consumer, not from the records, because offsets may legally be missing
    (markers, compaction, deleted records); ``records`` may even be empty.

    Attributes:
        highwater: end of the log when it was fetched.
        generation: the group generation in which it was fetched.
        bytes: size of the records.
        waited_s: how long its first record may have waited for the fetch.
    """

    topic: str
    partition: int
    start: int
    end: int
    records: Sequence[Any]
    highwater: int
    generation: int
    bytes: int
    waited_s: float = 0.0

    @property
    def key(self) -> PartitionKey:
        """(topic, partition)."""
        return self.topic, self.partition
