"""Make the topics that :data:`shared.contracts.topics.TOPICS` declares, and check existing ones.

Partitions are added when the declaration has more, and never reduced: keys would move to other
partitions. Configuration that differs is corrected; configuration that we do not declare stays.
A vendor topic that keeps its records longer than declared goes on to do so: what a table has not
landed yet must not expire because of an upgrade.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.new_partitions import NewPartitions
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contracts.topics import Topic
from shared.runtime.broker_clients import answering
from shared.runtime.bus import connection
from shared.runtime.errors import Refused, Unavailable
from shared.runtime.settings import Settings
from shared.sources.topics import TOPICS

WAIT_SECONDS = 30.0
"""Longest wait until every partition has a leader that answers."""

_SET_ON_TOPIC = 1  # ConfigSource DYNAMIC_TOPIC_CONFIG, KIP-226


@dataclass(frozen=True, slots=True)
class TopicChange:
    """What was done to one topic, by its logical name; ``detail`` says it in words."""

    topic: str
    action: str
    detail: str


async def bootstrap_topics(settings: Settings, replication_factor: int = 1) -> list[TopicChange]:
    """Create and align every declared topic; returns what was changed, nothing when all fits.

    Waits until every partition answers ListOffsets: brokers announce topics before their
    partitions can be written to.

    Raises:
        Unavailable: the broker cannot be reached, or partitions got no leader in time.
        Refused: the broker refused a change, or an existing topic has too few replicas to lose.
    """
    admin = AIOKafkaAdminClient(**connection(settings), client_id="bergline-bootstrap")
    with answering(settings):
        await admin.start()
        try:
            changes = await _create(admin, settings, replication_factor)
            changes += await _align(admin, settings)
        finally:
            await admin.close()
        await _answering(settings)
    return changes


async def _create(
    admin: AIOKafkaAdminClient, settings: Settings, replication_factor: int
) -> list[TopicChange]:
    existing = set(await admin.list_topics())
    missing = {
        settings.environment.topic(topic.name): topic
        for topic in TOPICS.values()
        if settings.environment.topic(topic.name) not in existing
    }
    if not missing:
        return []
    answer = await admin.create_topics(
        [
            NewTopic(name, topic.partitions, replication_factor, topic_configs=topic.configs())
            for name, topic in missing.items()
        ]
    )
    changes = []
    for name, code, *message in answer.topic_errors:
        topic = missing[name]
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise Refused(
                f"the broker refused to create topic {name}: "
                f"{(message and message[0]) or for_code(code).__name__}",
                "correct the broker's limits or create the topic yourself",
            )
        changes.append(TopicChange(topic.name, "created", f"{topic.partitions} partitions"))
    return changes


async def _align(admin: AIOKafkaAdminClient, settings: Settings) -> list[TopicChange]:
    names = {settings.environment.topic(topic.name): topic for topic in TOPICS.values()}
    changes = []
    for described in await admin.describe_topics(list(names)):
        topic = names[described["topic"]]
        have = len(described["partitions"])
        if 0 < have < topic.partitions:
            await admin.create_partitions({described["topic"]: NewPartitions(topic.partitions)})
            detail = f"{have} → {topic.partitions} partitions"
            changes.append(TopicChange(topic.name, "partitions added", detail))
    for name, present in (await _configurations(admin, list(names))).items():
        change = await _align_configuration(admin, name, names[name], present)
        if change is not None:
            changes.append(change)
    return changes


def wanted_configs(topic: Topic, present: Mapping[str, str]) -> dict[str, str]:
    """Configuration that an existing topic should have, from the one that it has."""
    wanted = topic.configs()
    kept = int(present.get("retention.ms", wanted["retention.ms"]))
    if not topic.values and (kept < 0 or kept > int(wanted["retention.ms"])):
        wanted["retention.ms"] = str(kept)
    return wanted


async def _align_configuration(
    admin: AIOKafkaAdminClient, name: str, topic: Topic, present: dict[str, tuple[str, int]]
) -> TopicChange | None:
    wanted = wanted_configs(topic, {key: value for key, (value, _) in present.items()})
    different = {
        key: (present.get(key, ("unset", 0))[0], value)
        for key, value in wanted.items()
        if present.get(key, ("", 0))[0] != value
    }
    if not different:
        return None
    # AlterConfigs replaces everything that is set on the topic, so what others set is repeated.
    foreign = {key: value for key, (value, source) in present.items() if source == _SET_ON_TOPIC}
    for response in await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, {**foreign, **wanted})]
    ):
        for code, message, *_ in response.resources:
            if code:
                raise Refused(
                    f"the broker refused to configure topic {name}: "
                    f"{message or for_code(code).__name__}",
                    "correct the broker's limits or the topic's declaration",
                )
    detail = ", ".join(f"{key} {old} → {new}" for key, (old, new) in sorted(different.items()))
    return TopicChange(topic.name, "configuration corrected", detail)


async def _configurations(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, dict[str, tuple[str, int]]]:
    """Per topic: configuration key → (value, where it is set)."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, None) for name in names]
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for response in await admin.describe_configs(asked):
        for code, message, _, name, entries in response.resources:
            if code:
                raise Unavailable(
                    f"the broker does not tell the configuration of {name}: "
                    f"{message or for_code(code).__name__}"
                )
            found[name] = {entry[0]: (entry[1], _source(entry)) for entry in entries}
    return found


def _source(entry: tuple[Any, ...]) -> int:
    # v0 answers is_default (bool), later versions the source as a number.
    return (0 if entry[3] else _SET_ON_TOPIC) if isinstance(entry[3], bool) else int(entry[3])


async def _answering(settings: Settings) -> None:
    partitions = [
        TopicPartition(settings.environment.topic(topic.name), number)
        for topic in TOPICS.values()
        for number in range(topic.partitions)
    ]
    consumer = AIOKafkaConsumer(**connection(settings), client_id="bergline-bootstrap")
    await consumer.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await consumer.end_offsets(partitions)
    except TimeoutError:
        raise Unavailable(
            f"not every partition answered within {WAIT_SECONDS:g} s after the topics were made",
            "look at the broker's log; the command may be repeated",
        ) from None
    finally:
        await consumer.stop()
