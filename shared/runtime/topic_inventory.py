"""The registered topics as they are on the broker: partitions, bounds, retention, size."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.broker_clients import admin
from shared.runtime.log_bounds import LogBounds, log_bounds
from shared.runtime.settings import Settings
from shared.sources.topics import TOPICS

METRICS_SECONDS = 3.0
_SIZE_METRIC = "kafka_broker_log_size_bytes"
"""Of the embedded broker; other brokers do not tell sizes, which are then unknown."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One registered topic.

    Attributes:
        topic: logical name.
        exists: whether the broker has it.
        bounds: of every partition.
        cleanup, retention_ms: as configured on the broker; retention -1 is for ever.
        size_bytes: what its logs take on disk, ``None`` when the broker does not tell.
    """

    topic: str
    exists: bool
    bounds: Mapping[int, LogBounds]
    cleanup: str | None = None
    retention_ms: int | None = None
    size_bytes: int | None = None

    @property
    def held(self) -> int:
        """Messages held in all partitions."""
        return sum(bounds.held for bounds in self.bounds.values())


async def topic_states(settings: Settings) -> list[TopicState]:
    """Every registered topic of this environment, in the order of the registry.

    Raises:
        Unavailable: the broker does not answer.
    """
    bounds = await log_bounds(settings, TOPICS)
    by_topic: dict[str, dict[int, LogBounds]] = {}
    for (topic, number), found in bounds.items():
        by_topic.setdefault(topic, {})[number] = found
    configurations = await _configurations(settings, list(by_topic))
    sizes = await asyncio.to_thread(_sizes, settings)
    states = []
    for topic in TOPICS:
        if topic not in by_topic:
            states.append(TopicState(topic, exists=False, bounds={}))
            continue
        configured = configurations.get(topic, {})
        retention = configured.get("retention.ms")
        states.append(
            TopicState(
                topic,
                exists=True,
                bounds=by_topic[topic],
                cleanup=configured.get("cleanup.policy"),
                retention_ms=None if retention is None else int(retention),
                size_bytes=sizes.get(settings.environment.topic(topic)),
            )
        )
    return states


async def _configurations(settings: Settings, topics: list[str]) -> dict[str, dict[str, str]]:
    names = {settings.environment.topic(topic): topic for topic in topics}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, None) for name in names]
    found: dict[str, dict[str, str]] = {}
    if not asked:
        return found
    async with admin(settings) as client:
        for response in await client.describe_configs(asked):
            for code, _, _, name, entries in response.resources:
                if not code:
                    found[names[name]] = {entry[0]: entry[1] for entry in entries}
    return found


def _sizes(settings: Settings) -> dict[str, int]:
    """Bytes by the broker's topic name; empty when its metrics cannot be read."""
    address = f"{settings.broker_admin.rstrip('/')}/public_metrics"
    try:
        with urllib.request.urlopen(address, timeout=METRICS_SECONDS) as answer:  # noqa: S310
            text = answer.read().decode()
    except (OSError, ValueError):
        return {}
    sizes: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        if family.name == _SIZE_METRIC:
            for sample in family.samples:
                topic = sample.labels["redpanda_topic"]
                sizes[topic] = sizes.get(topic, 0) + int(sample.value)
    return sizes
