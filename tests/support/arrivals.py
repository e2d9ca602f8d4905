"""Topics of a test, and what arrives on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from shared.sources.topics import TOPICS

DEADLINE_SECONDS = 60.0


def create_topics(bootstrap: str) -> None:
    """Every declared topic with its configuration; those that exist stay."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    existing = admin.list_topics(timeout=DEADLINE_SECONDS).topics
    missing = [
        NewTopic(topic.name, topic.partitions, 1, config=topic.configs())
        for topic in TOPICS.values()
        if topic.name not in existing
    ]
    for created in admin.create_topics(missing).values() if missing else ():
        created.result(DEADLINE_SECONDS)


def create_topic(bootstrap: str, topic: str, config: Mapping[str, str]) -> None:
    """One declared topic with another configuration."""
    new = NewTopic(topic, TOPICS[topic].partitions, 1, config=dict(config))
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([new])[topic].result(DEADLINE_SECONDS)


def delete_topic(bootstrap: str, topic: str) -> None:
    """Delete a topic and wait until the broker does not name it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topic])[topic].result(DEADLINE_SECONDS)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One record as a consumer gets it."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: dict[str, bytes]


class Tail:
    """Reads the records that reach a topic after this was made; ``whole`` reads all there are."""

    def __init__(self, bootstrap: str, topic: str, *, whole: bool = False) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "unused",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self.existing = 0
        partitions = [TopicPartition(topic, n) for n in range(TOPICS[topic].partitions)]
        for partition in partitions:
            start, end = self._consumer.get_watermark_offsets(partition, timeout=DEADLINE_SECONDS)
            partition.offset = start if whole else end
            self.existing += end - start
        self._consumer.assign(partitions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def take(self, count: int) -> list[Arrived]:
        """The next ``count`` records; fails when they do not come in time."""
        out: list[Arrived] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(out) < count:
            assert time.monotonic() < deadline, f"{len(out)} of {count} records arrived"
            message = self._consumer.poll(0.1)
            if message is not None:
                out.append(_arrived(message))
        return out


def _arrived(message: Message) -> Arrived:
    assert message.error() is None, message.error()
    headers: Any = message.headers() or []
    return Arrived(
        message.partition() or 0,
        message.offset() or 0,
        message.key() or b"",
        message.value() or b"",
        dict(headers),
    )
