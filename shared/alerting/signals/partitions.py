"""Partitions that are not consumed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.contracts.event import Event
from shared.contracts.partitions import PartitionResumed, PartitionStopped
from shared.contracts.topics import PARTITIONS

HALTED = "lakehouse_partition_halted"


class Partitions(Following):
    """Follows what stream_writer tells of partitions; the last word of each counts."""

    reads: ClassVar[frozenset[str]] = frozenset({PARTITIONS})
    names = frozenset({HALTED})

    def __init__(self) -> None:
        super().__init__()
        self._stopped: dict[tuple[str, int], str] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A partition is not consumed, or is again. Each one's events come in order."""
        if isinstance(event, PartitionStopped):
            key = (event.topic, event.partition)
            if self._stopped.get(key) == event.reason:
                return NOTHING
            self._stopped[key] = event.reason
            return self.names
        if isinstance(event, PartitionResumed):
            before = self._stopped.pop((event.topic, event.partition), None)
            return NOTHING if before is None else self.names
        return NOTHING

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """1 for every partition that is not consumed."""
        return {
            HALTED: {
                labels(topic=topic, partition=str(partition), reason=reason): 1.0
                for (topic, partition), reason in self._stopped.items()
            }
        }
