"""Every partition goes to one worker, and a table to as few workers as possible."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from services.stream_writer.table_assignor import TableAssignor, deal

topics = st.dictionaries(st.text("abc.", min_size=1, max_size=6), st.integers(0, 12), max_size=10)
members = st.sets(st.text("xyz-0123456789", min_size=1, max_size=8), max_size=15)


@given(topics, members)
def test_every_partition_goes_to_exactly_one_member(
    partitions: dict[str, int], names: set[str]
) -> None:
    dealt = deal(partitions, names)
    assert dealt.keys() == names
    given_out = Counter(
        (topic, partition)
        for of_member in dealt.values()
        for topic, numbers in of_member.items()
        for partition in numbers
    )
    expected = {(topic, p) for topic, count in partitions.items() for p in range(count)}
    assert given_out == (dict.fromkeys(expected, 1) if names else {})


@given(topics, members)
def test_with_enough_topics_none_is_split(partitions: dict[str, int], names: set[str]) -> None:
    filled = [topic for topic, count in partitions.items() if count]
    if len(filled) < len(names):
        return
    owners = Counter(topic for of_member in deal(partitions, names).values() for topic in of_member)
    assert all(count == 1 for count in owners.values())


@given(topics, members)
def test_topics_are_spread(partitions: dict[str, int], names: set[str]) -> None:
    filled = [topic for topic, count in partitions.items() if count]
    held = [len(of_member) for of_member in deal(partitions, names).values()]
    if names and len(filled) >= len(names):
        assert max(held) - min(held) <= 1


def test_more_members_than_topics_share_them() -> None:
    assert deal({"a": 4, "b": 1}, ["m1", "m2", "m3", "m4"]) == {
        "m1": {"a": [0, 2]},
        "m2": {"b": [0]},
        "m3": {"a": [1, 3]},
        "m4": {},
    }


@given(topics, members)
def test_the_order_of_members_does_not_matter(partitions: dict[str, int], names: set[str]) -> None:
    assert deal(partitions, sorted(names)) == deal(partitions, sorted(names, reverse=True))


def test_as_a_kafka_strategy() -> None:
    counts = {"a": {0, 1, 2}, "b": {0}, "unknown": None}
    cluster = SimpleNamespace(partitions_for_topic=counts.get)
    subscribed = {name: TableAssignor.metadata(list(counts)) for name in ("m1", "m2")}
    assigned = TableAssignor.assign(cluster, subscribed)
    assert {name: dict(each.assignment) for name, each in assigned.items()} == {
        "m1": {"a": [0, 1, 2]},
        "m2": {"b": [0]},
    }
