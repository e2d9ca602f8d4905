"""Every topic: those of the sources, which follow from their declarations, and the platform's own.

``shared.contracts`` cannot know the sources, as they are declared in its words; so it names the
platform's topics, and what needs all of them asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from shared.contracts.topics import PLATFORM_TOPICS, Topic
from shared.sources.registry import SOURCES
from shared.sources.spec import Entity, Export, SourceSpec

KEPT = timedelta(days=7)
"""How long a payload stays on its topic; it is in its table after a second."""


ANNOUNCED = timedelta(days=30)
"""How long the announcement of an export stays on its topic."""


def topic_of(entity: Entity, export: Export | None = None) -> Topic:
    """The topic that an entity's records travel on, or that announces its files."""
    if export is not None:
        return Topic(
            name=entity.topic,
            key=entity.key,
            values=("ExportReady",),
            description=entity.description,
            retention=ANNOUNCED,
            written_by=("ingest",),
            read_by=("stream_writer", "ingest", "cli"),
            # One worker loads them all, in order: no two look for the same rows in the table.
            partitions=1,
        )
    return Topic(
        name=entity.topic,
        key=entity.key,
        values=(),
        description=entity.description,
        retention=KEPT,
        written_by=("ingest", "cli"),  # the latter what was a dead letter
        read_by=("stream_writer",),
    )


def topics_of(sources: Iterable[SourceSpec]) -> tuple[Topic, ...]:
    """The topics of some sources, in their order."""
    return tuple(
        topic_of(entity, source.export(entity.topic))
        for source in sources
        for entity in source.entities
    )


TOPICS: Mapping[str, Topic] = MappingProxyType(
    {**{topic.name: topic for topic in topics_of(SOURCES.values())}, **PLATFORM_TOPICS}
)
"""Every topic by its logical name."""
