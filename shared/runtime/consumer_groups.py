"""Consumer groups as the broker knows them: state, members, committed offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from shared.runtime.broker_clients import admin
from shared.runtime.errors import NotFound
from shared.runtime.log_bounds import PartitionKey
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a group; ``partitions`` carry logical topics."""

    member_id: str
    client_id: str
    host: str
    partitions: tuple[PartitionKey, ...]


@dataclass(frozen=True, slots=True)
class GroupState:
    """One consumer group.

    Attributes:
        group: logical name.
        state: Kafka's word: Stable, Empty, PreparingRebalance, CompletingRebalance, Dead.
        protocol: name of the assignment strategy.
        members: who is in it.
        committed: offsets committed to the broker, by partition.
    """

    group: str
    state: str
    protocol: str
    members: tuple[Member, ...]
    committed: Mapping[PartitionKey, int]

    @property
    def partitions(self) -> frozenset[PartitionKey]:
        """Partitions that a member has, or that an offset is committed for."""
        return frozenset(key for m in self.members for key in m.partitions) | set(self.committed)


async def groups(settings: Settings) -> list[GroupState]:
    """All groups of this environment.

    Raises:
        Unavailable: the broker does not answer.
    """
    prefix = settings.environment.group("")
    async with admin(settings) as client:
        names = sorted(name for name, *_ in await client.list_consumer_groups())
    mine = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return [await describe(settings, name) for name in mine]


async def describe(settings: Settings, group: str) -> GroupState:
    """One group by its logical name.

    Raises:
        NotFound: the broker knows neither members nor offsets of it.
        Unavailable: the broker does not answer.
    """
    physical = settings.environment.group(group)
    async with admin(settings) as client:
        responses = await client.describe_consumer_groups([physical])
        offsets = await client.list_consumer_group_offsets(physical)
    [(_, _, state, _, protocol, members, *_)] = [g for r in responses for g in r.groups]
    committed: dict[PartitionKey, int] = {}
    for tp, position in offsets.items():
        key = _key(settings, tp.topic, tp.partition)
        if key is not None and position.offset >= 0:
            committed[key] = position.offset
    if state == "Dead" and not committed:
        raise NotFound(
            f"there is no consumer group {group}", "`bergline groups list` shows those that exist"
        )
    found = tuple(
        Member(member_id, client_id, host, _assigned(settings, assignment))
        for member_id, client_id, host, _, assignment in (member[:5] for member in members)
    )
    return GroupState(group, state, protocol, found, committed)


def _assigned(settings: Settings, assignment: bytes) -> tuple[PartitionKey, ...]:
    if not assignment:
        return ()
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    keys = [_key(settings, topic, n) for topic, numbers in decoded.assignment for n in numbers]
    return tuple(sorted(key for key in keys if key is not None))


def _key(settings: Settings, topic: str, partition: int) -> PartitionKey | None:
    """The partition under its logical topic; ``None`` when it is of another environment."""
    try:
        return settings.environment.logical_topic(topic), partition
    except ValueError:
        return None
