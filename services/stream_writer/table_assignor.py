"""Give whole topics to workers, so that a table is committed by as few of them as possible.

Two workers on one table are safe but conflict on every commit. Topics are dealt round; only when
there are more workers than topics are partitions of a topic dealt to several of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)


def deal(partitions: Mapping[str, int], members: Iterable[str]) -> dict[str, dict[str, list[int]]]:
    """Deal ``{topic: partition count}`` to members: ``{member: {topic: [partition, …]}}``.

    Deterministic; every partition goes to exactly one member; with at least as many topics as
    members no topic is split.
    """
    names = sorted(members)
    dealt: dict[str, dict[str, list[int]]] = {name: {} for name in names}
    topics = sorted(topic for topic, count in partitions.items() if count > 0)
    if not names or not topics:
        return dealt
    for index, topic in enumerate(topics):
        # Members that share this topic: one, or every len(topics)-th when members abound.
        share = names[index :: len(topics)] or [names[index % len(names)]]
        for partition in range(partitions[topic]):
            owner = share[partition % len(share)]
            dealt[owner].setdefault(topic, []).append(partition)
    return dealt


class TableAssignor(AbstractPartitionAssignor):
    """:func:`deal` as a Kafka assignment strategy."""

    name = "bergline-tables"
    version = 0

    @classmethod
    def assign(
        cls, cluster: Any, members: Mapping[str, Any]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Assignment of all subscribed topics to the group's members."""
        topics = {topic for member in members.values() for topic in member.subscription}
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, sorted(topics_.items()), b"")
            for member, topics_ in deal(counts, members).items()
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What a member tells when it joins."""
        return ConsumerProtocolMemberMetadata(cls.version, list(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing is remembered between assignments."""
