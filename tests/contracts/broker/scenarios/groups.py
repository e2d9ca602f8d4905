"""Groups: members that join, agree, stay, fall silent and leave, and what each state allows."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.contracts.broker.bare_client import BareClient, Waiting, error_name, first
from tests.support.kafka_wire import array, data, int16, string

SUBSCRIPTION = int16(0) + array(["some-topic"], string) + data(None)
"""Version 0 of the consumer protocol: topics, and no data of the user's."""
RANGE = (("range", SUBSCRIPTION),)
REBALANCE_SECONDS = 2.0
SHORTEST_SESSION_MS = 6000
"""``group.min.session.timeout.ms`` of Apache Kafka."""


@dataclass(frozen=True)
class Joined:
    """What JoinGroup answered."""

    error: int
    generation: int
    protocol: str
    leader: str
    member_id: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        if self.error:
            known = " with a member id" if self.member_id else ""
            return f"{error_name(self.error)}{known}"
        role = "leader" if self.leader == self.member_id else "follower"
        told = f", told of {len(self.members)} members" if self.members else ""
        return f"{role} of generation {self.generation} with {self.protocol}{told}"


class Group:
    """The requests of one group."""

    def __init__(self, client: BareClient, name: str = "group") -> None:
        self.client = client
        self.name = name if name == "" else client.name(name)
        if self.name:
            client.coordinator(self.name)

    def join(
        self,
        member_id: str = "",
        *,
        client: BareClient | None = None,
        version: int = 2,
        protocols: Sequence[tuple[str, bytes]] = RANGE,
        **request: Any,
    ) -> Joined:
        """JoinGroup; with two members it answers when the rebalance has ended."""
        offered = [{"name": name, "metadata": metadata} for name, metadata in protocols]
        settings = {
            "group_id": self.name,
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": int(REBALANCE_SECONDS * 1000),
            "protocol_type": "consumer",
        }
        wanted = {"member_id": member_id, "protocols": offered}
        answer = (client or self.client).ask("JoinGroup", version, **settings | wanted | request)
        return Joined(
            answer.error_code,
            answer.generation_id,
            answer.protocol_name,
            answer.leader,
            answer.member_id,
            tuple(each.member_id for each in answer.members),
        )

    def sync(
        self,
        generation: int,
        member_id: str,
        assignments: Mapping[str, bytes] | None = None,
        *,
        client: BareClient | None = None,
    ) -> str:
        """SyncGroup."""
        brought = [
            {"member_id": name, "assignment": content}
            for name, content in (assignments or {}).items()
        ]
        answer = (client or self.client).ask(
            "SyncGroup",
            1,
            group_id=self.name,
            generation_id=generation,
            member_id=member_id,
            assignments=brought,
        )
        if answer.error_code:
            return error_name(answer.error_code)
        return f"assigned {bytes(answer.assignment).decode()!r}"

    def heartbeat(self, generation: int, member_id: str) -> str:
        """Heartbeat."""
        answer = self.client.ask(
            "Heartbeat", 1, group_id=self.name, generation_id=generation, member_id=member_id
        )
        return error_name(answer.error_code)

    def leave(self, member_id: str) -> str:
        """LeaveGroup."""
        answer = self.client.ask("LeaveGroup", 1, group_id=self.name, member_id=member_id)
        return error_name(answer.error_code)

    def commit(
        self,
        topic: str,
        *,
        generation: int = -1,
        member_id: str = "",
        offset: int = 5,
        partition: int = 0,
        metadata: str | None = "",
    ) -> str:
        """OffsetCommit of one partition."""
        entry = {"index": partition, "offset": offset, "metadata": metadata}
        answer = self.client.ask(
            "OffsetCommit",
            3,
            group_id=self.name,
            generation_id=generation,
            member_id=member_id,
            retention_time_ms=-1,
            topics=[{"name": topic, "partitions": [entry]}],
        )
        return error_name(first(answer).error_code)

    def committed(self, topic: str | None, *partitions: int) -> str:
        """OffsetFetch: partition, offset, metadata; of everything when no topic is named."""
        named = None if topic is None else [{"name": topic, "partitions": partitions}]
        answer = self.client.ask("OffsetFetch", 3, group_id=self.name, topics=named)
        found = [
            f"{each.index}: {each.offset} {each.metadata!r} {error_name(each.error_code)}"
            for topic_found in answer.topics
            for each in topic_found.partitions
        ]
        return f"{error_name(answer.error_code)} [{', '.join(sorted(found))}]"

    def described(self) -> str:
        """DescribeGroups."""
        (found,) = self.client.ask("DescribeGroups", 1, groups=[self.name]).groups
        return (
            f"{error_name(found.error_code)} {found.state}, type {found.protocol_type!r}, "
            f"protocol {found.protocol_data!r}, {len(found.members)} members"
        )

    def wait_for(self, state: str) -> None:
        """Wait until the group is in a state."""
        deadline = time.monotonic() + 60
        while state not in self.described():
            assert time.monotonic() < deadline

    def deleted(self) -> str:
        """DeleteGroups."""
        (found,) = self.client.ask("DeleteGroups", 1, groups=[self.name]).results
        return error_name(found.error_code)

    def forgotten(self, topic: str, partition: int = 0) -> str:
        """OffsetDelete of one partition."""
        named = [{"name": topic, "partitions": [partition]}]
        answer = self.client.ask("OffsetDelete", 0, group_id=self.name, topics=named)
        if answer.error_code:
            return f"{error_name(answer.error_code)} for all"
        return error_name(first(answer).error_code)


def refusals(client: BareClient) -> Iterator[tuple[str, str]]:
    """Joining what cannot be joined, and members that are not there."""
    group = Group(client)
    yield "an empty group id", str(Group(client, "").join())
    yield "a member id that nobody gave", str(group.join("nobody"))
    yield "a session of 1 s", str(group.join(session_timeout_ms=1000))
    yield "a session of an hour", str(group.join(session_timeout_ms=3_600_000))
    yield "no protocols", str(group.join(protocols=()))
    yield "no protocol type", str(group.join(protocol_type=""))
    yield "heartbeat", group.heartbeat(1, "nobody")
    yield "sync", group.sync(1, "nobody")
    yield "leave", group.leave("nobody")
    yield "delete", group.deleted()
    yield "describe", group.described()


def one_member(client: BareClient) -> Iterator[tuple[str, str]]:
    """The life of a group of one."""
    group, topic = Group(client), client.topic(partitions=2)
    unnamed = group.join(version=4)
    yield "joins without an id (KIP-394)", str(unnamed)
    joined = group.join(unnamed.member_id, version=4)
    member, generation = joined.member_id, joined.generation
    yield "joins with the id it was given", str(joined)
    yield "the id stays", str(member == unnamed.member_id)
    yield "heartbeat before sync", group.heartbeat(generation, member)
    yield "commit before sync", group.commit(topic, generation=generation, member_id=member)
    yield "described before sync", group.described()
    yield "sync of another generation", group.sync(generation + 1, member)
    yield "sync of an unknown member", group.sync(generation, "nobody")
    yield "sync", group.sync(generation, member, {member: b"all"})
    yield "sync again", group.sync(generation, member)
    yield "described", group.described()
    yield "heartbeat", group.heartbeat(generation, member)
    yield "heartbeat of an old generation", group.heartbeat(generation - 1, member)
    yield "heartbeat of an unknown member", group.heartbeat(generation, "nobody")
    yield "commit", group.commit(topic, generation=generation, member_id=member)
    stale = group.commit(topic, generation=generation - 1, member_id=member)
    yield "commit of an old generation", stale
    yield "commit of an unknown member", group.commit(topic, generation=1, member_id="nobody")
    yield "commit of nobody's while somebody is there", group.commit(topic)
    yield "forget a position meanwhile", group.forgotten(topic, 1)
    yield "delete meanwhile", group.deleted()
    with client.another() as other:
        odd = group.join(client=other, protocols=(("sticky", SUBSCRIPTION),))
        yield "another joins with other protocols", str(odd)
        yield (
            "another joins with another type",
            str(group.join(client=other, protocol_type="connect")),
        )
    yield "joins again, unchanged, as its leader", str(group.join(member, version=4))
    yield "leaves", group.leave(member)
    yield "described without members", group.described()
    yield "heartbeat after it left", group.heartbeat(generation, member)
    yield "its position stays", group.committed(topic, 0, 1)
    yield "deleted", group.deleted()
    yield "its position is gone", group.committed(topic, 0)
    yield "described after that", group.described()


def two_members(client: BareClient) -> Iterator[tuple[str, str]]:
    """A second member comes; then one falls silent."""
    group, topic = Group(client), client.topic()
    one = group.join()
    group.sync(one.generation, one.member_id, {one.member_id: b"all"})
    first_id, second_ids = one.member_id, list[Joined]()

    def enter(other: BareClient) -> str:
        second_ids.append(group.join(client=other))
        return str(second_ids[-1])

    entering = Waiting(client, enter)
    group.wait_for("PreparingRebalance")
    yield "described while another joins", group.described()
    yield "heartbeat of the first", group.heartbeat(one.generation, first_id)
    yield "commit of the first", group.commit(topic, generation=one.generation, member_id=first_id)
    yield "sync of the first", group.sync(one.generation, first_id)
    again = group.join(first_id)
    yield "the first joins again", str(again)
    yield "the second is in", entering.answer()
    second_id = second_ids[0].member_id
    both = {first_id: b"one", second_id: b"two"}
    following = Waiting(client, lambda other: group.sync(again.generation, second_id, client=other))
    yield "the leader brings assignments", group.sync(again.generation, first_id, both)
    yield "the follower has its own", following.answer()
    yield "described with both", group.described()

    began = time.monotonic()
    third = Waiting(client, enter)
    group.wait_for("PreparingRebalance")
    yield "the first joins, the second is silent", str(group.join(first_id))
    took = time.monotonic() - began
    yield (
        "the rebalance waited for it as long as agreed",
        str(REBALANCE_SECONDS * 0.9 < took < REBALANCE_SECONDS * 2),
    )
    yield "a third is in", third.answer()
    yield "heartbeat of the silent one", group.heartbeat(again.generation, second_id)
    yield (
        "commit of the silent one",
        group.commit(topic, generation=again.generation, member_id=second_id),
    )
    yield "the silent one joins with its old id", str(group.join(second_id))
    for name, member in (("first", first_id), ("third", second_ids[-1].member_id)):
        yield f"the {name} leaves", group.leave(member)
    yield "described at last", group.described()


def expiry(client: BareClient) -> Iterator[tuple[str, str]]:
    """A member without heartbeats is gone when its session has ended."""
    group = Group(client)
    joined = group.join(session_timeout_ms=SHORTEST_SESSION_MS)
    group.sync(joined.generation, joined.member_id, {joined.member_id: b"all"})
    began = time.monotonic()
    group.wait_for("Empty")
    took = time.monotonic() - began
    in_time = SHORTEST_SESSION_MS * 0.9 < took * 1000 < SHORTEST_SESSION_MS * 1.5
    yield "it is gone when its session has ended", str(in_time)
    yield "its heartbeat", group.heartbeat(joined.generation, joined.member_id)
    yield "the next member's generation", str(group.join())


def offsets(client: BareClient) -> Iterator[tuple[str, str]]:
    """Positions of a group that has no members."""
    group, topic = Group(client), client.topic(partitions=2)
    yield "of a group that is not there", group.committed(topic, 0, 1)
    yield "all of a group that is not there", group.committed(None)
    yield "of a topic that is not there", group.committed("no-such-topic", 0)
    yield "forget of a group that is not there", group.forgotten(topic)
    yield "commit", group.commit(topic, metadata="note")
    yield "described", group.described()
    yield "commit to a topic that is not there", group.commit("no-such-topic")
    yield "commit to a partition that is not there", group.commit(topic, partition=9)
    yield "commit of offset -5", group.commit(topic, offset=-5, partition=1)
    yield "commit with 5,000 bytes of metadata", group.commit(topic, metadata="x" * 5000)
    yield "commit with 4,096 bytes of metadata", group.commit(topic, metadata="x" * 4096)
    yield "commit without metadata", group.commit(topic, offset=6, metadata=None)
    yield "commit as a member", group.commit(topic, generation=3, member_id="nobody")
    yield "commit of no group", Group(client, "").commit(topic)
    yield "all", group.committed(None)
    yield "forget one", group.forgotten(topic, 1)
    yield "forget one that is not there", group.forgotten(topic, 9)
    yield "all after that", group.committed(None)
    client.ask("DeleteTopics", 1, names=[topic], timeout_ms=5000)
    deadline = time.monotonic() + 10
    while group.committed(None) != "ok []" and time.monotonic() < deadline:
        pass
    yield "all after the topic was deleted", group.committed(None)


def coordinators(client: BareClient) -> Iterator[tuple[str, str]]:
    """Who coordinates."""
    client.coordinator(client.name("group"))
    for version in (0, 1, 2):
        answer = client.ask("FindCoordinator", version, key=client.name("group"))
        yield f"version {version}", f"{error_name(answer.error_code)}, node {answer.node_id}"
    answer = client.ask("FindCoordinator", 1, key="")
    yield "no group", f"{error_name(answer.error_code)}, node {answer.node_id}"
    answer = client.ask("FindCoordinator", 1, key="x", key_type=9)
    yield "of a thing that does not exist", error_name(answer.error_code)
