"""Which topics there are on the broker, and the lanes of their partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from aiokafka.cluster import ClusterMetadata

from services.ingest.group_commit import Lane, Way
from shared.runtime import logging

log = logging.logger("ingest")


class Lanes:
    """The lanes of each topic, as many as the broker says that it has partitions.

    Args:
        topics: logical topics that must exist.
        physical: their names on the broker.
        way: of all lanes.
        divert: told of lanes that are no more, and why.

    Attributes:
        missing: physical names of those that do not exist.
    """

    def __init__(
        self,
        topics: Sequence[str],
        physical: Callable[[str], str],
        way: Way,
        divert: Callable[[Sequence[Lane], str], None],
    ) -> None:
        self._name = physical
        self._physical = {topic: physical(topic) for topic in topics}
        self._way = way
        self._divert = divert
        self._lanes: dict[str, list[Lane]] = {}
        self.missing: tuple[str, ...] = ()

    @property
    def physical(self) -> tuple[str, ...]:
        """Names on the broker."""
        return tuple(self._physical.values())

    def of(self, topic: str) -> list[Lane] | None:
        """The lanes of a topic, ``None`` while it is not known to exist."""
        return self._lanes.get(topic)

    def __iter__(self) -> Iterator[list[Lane]]:
        return iter(self._lanes.values())

    def want(self, topic: str) -> str | None:
        """Have lanes of one more topic; its physical name, ``None`` when it is no new one."""
        if topic in self._physical:
            return None
        self._physical[topic] = self._name(topic)
        return self._physical[topic]

    def follow(self, cluster: ClusterMetadata) -> None:
        """The broker says which topics there are, and of how many partitions."""
        counts = {
            topic: len(cluster.partitions_for_topic(physical) or ())
            for topic, physical in self._physical.items()
        }
        missing = tuple(self._physical[topic] for topic, count in counts.items() if not count)
        if missing and missing != self.missing:
            log.warning("topics are missing", topics=missing, next="bergline bootstrap")
        self.missing = missing
        for topic, count in counts.items():
            physical = self._physical[topic]
            lanes = self._lanes.get(topic)
            if lanes is not None and len(lanes) != count:
                # Before anything goes other ways.
                self._divert(lanes, f"topic {physical} has {count} partitions now")
            if count and (lanes is None or len(lanes) != count):
                self._lanes[topic] = [
                    Lane(physical, partition, self._way) for partition in range(count)
                ]
            elif not count:
                self._lanes.pop(topic, None)
