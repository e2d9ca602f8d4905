"""The one table of topics holds what Kafka accepts and what the services are."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import services
from shared.contracts.environment import Environment
from shared.contracts.topics import COMMITS, MAX_RECORD_BYTES, TABLES, Topic
from shared.sources.topics import TOPICS
from shared.tables.registry import landing_tables

EVERY_TOPIC = pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)

SERVICES = {
    path.name for path in Path(services.__path__[0]).iterdir() if (path / "__init__.py").is_file()
}
CLIENTS = SERVICES | {"cli"}

TOPIC_CONFIGS = {"cleanup.policy", "retention.ms", "max.message.bytes"}
"""Configurations that topics are created with, besides those of :data:`COMPACTION`."""
COMPACTION = {"min.cleanable.dirty.ratio", "segment.ms", "delete.retention.ms"}


@EVERY_TOPIC
def test_the_longest_environment_still_gives_a_legal_name(topic: Topic) -> None:
    # org.apache.kafka.common.internals.Topic: at most 249 of [a-zA-Z0-9._-], not "." nor "..".
    name = Environment("e" * 32).topic(topic.name)
    assert re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name)


@EVERY_TOPIC
def test_names_have_exactly_one_dot(topic: Topic) -> None:
    """What keeps a prefixed name from being another environment's."""
    assert re.fullmatch(r"[a-z0-9_-]+\.[a-z0-9_-]+", topic.name)


def test_no_two_names_collide_in_metric_names() -> None:
    # Kafka warns: "." and "_" become the same character in its metric names.
    assert len({name.replace(".", "_") for name in TOPICS}) == len(TOPICS)


@EVERY_TOPIC
def test_owners_are_services(topic: Topic) -> None:
    assert topic.written_by
    assert set(topic.written_by) | set(topic.read_by) <= CLIENTS


@EVERY_TOPIC
def test_configs_are_kafkas(topic: Topic) -> None:
    configs = topic.configs()
    assert TOPIC_CONFIGS <= configs.keys() <= TOPIC_CONFIGS | COMPACTION
    assert configs["cleanup.policy"] in {"delete", "compact"}
    assert configs["max.message.bytes"] == str(MAX_RECORD_BYTES)
    if topic.retention is None:
        assert configs["retention.ms"] == "-1"
    else:
        assert int(configs["retention.ms"]) == topic.retention / timedelta(milliseconds=1)


@EVERY_TOPIC
def test_only_what_is_read_expires(topic: Topic) -> None:
    """Compaction keeps the last state; a vendor's payload is in its table before it expires."""
    assert (topic.retention is None) == (topic.cleanup == "compact")
    assert topic.values or topic.read_by == ("stream_writer",)


@EVERY_TOPIC
def test_descriptions_are_sentences(topic: Topic) -> None:
    assert topic.description.endswith(".")
    assert topic.key
    assert topic.partitions >= 1


def test_what_lands_in_a_table_is_read_by_its_writer() -> None:
    for table in landing_tables():
        for topic in table.topics:
            assert "stream_writer" in TOPICS[topic].read_by, topic


def test_a_topic_lands_in_one_table_at_most() -> None:
    landed = [topic for table in landing_tables() for topic in table.topics]
    assert len(landed) == len(set(landed))


def test_the_last_state_of_each_table_is_compacted_and_carries_what_commits_carry() -> None:
    assert TOPICS[TABLES].cleanup == "compact"
    assert TOPICS[TABLES].values == TOPICS[COMMITS].values
