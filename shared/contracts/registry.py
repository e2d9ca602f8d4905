"""Every event type, by class name and by wire type.

Topics name their event types as text, so that the table of topics imports no model; here the two
meet, and a name that does not resolve fails at import. Schemas, the AsyncAPI document and the
reference pages are generated from these mappings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertNotified,
    AlertSilenced,
)
from shared.contracts.builds import BuildFailed, BuildRequested, BuildStarted, BuildSucceeded
from shared.contracts.commands import CommandIssued
from shared.contracts.dead_letters import DeadLetter, DeadLetterHandled
from shared.contracts.event import Event
from shared.contracts.exports import ExportReady
from shared.contracts.landing import LandingLearned
from shared.contracts.maintenance import (
    MaintenanceFailed,
    MaintenanceRequested,
    MaintenanceSucceeded,
)
from shared.contracts.partitions import PartitionResumed, PartitionStopped
from shared.contracts.spool import SpoolChanged
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import PLATFORM_TOPICS, Topic

_WIRE_TYPE = re.compile(r"lakehouse(\.[a-z]+(-[a-z]+)*)+\.v[1-9][0-9]*")


def by_class_name(types: Iterable[type[Event]]) -> Mapping[str, type[Event]]:
    """Event types by the name that :class:`~shared.contracts.topics.Topic` uses.

    Raises:
        ValueError: two classes have one name.
    """
    names: dict[str, type[Event]] = {}
    for event in types:
        if event.__name__ in names:
            raise ValueError(f"two event types are named {event.__name__}")
        names[event.__name__] = event
    return MappingProxyType(names)


def by_wire_type(types: Iterable[type[Event]]) -> Mapping[str, type[Event]]:
    """Event types by the value of their ``ce_type`` header.

    Raises:
        ValueError: two classes have one wire type, or a wire type has no version.
    """
    wire: dict[str, type[Event]] = {}
    for event in types:
        if not _WIRE_TYPE.fullmatch(event.type):
            raise ValueError(
                f"{event.__name__}: wire type {event.type!r} is not of the form "
                "lakehouse.<words>.v<number>"
            )
        if event.type in wire:
            raise ValueError(
                f"{wire[event.type].__name__} and {event.__name__} share wire type {event.type!r}"
            )
        wire[event.type] = event
    return MappingProxyType(wire)


def require_known(topics: Iterable[Topic], events: Mapping[str, type[Event]]) -> None:
    """Check that topics carry only declared event types, and that every type has a topic.

    Raises:
        ValueError: a topic names an unknown type, or no topic carries a type.
    """
    carried = {name: topic.name for topic in topics for name in topic.values}
    for name, topic in carried.items():
        if name not in events:
            raise ValueError(f"topic {topic} carries unknown event type {name}")
    for name in events:
        if name not in carried:
            raise ValueError(f"no topic carries event type {name}")


_ALL: tuple[type[Event], ...] = (
    TableCommitted,
    DeadLetter,
    DeadLetterHandled,
    CommandIssued,
    BuildRequested,
    BuildStarted,
    BuildSucceeded,
    BuildFailed,
    MaintenanceRequested,
    MaintenanceSucceeded,
    MaintenanceFailed,
    SpoolChanged,
    PartitionStopped,
    PartitionResumed,
    AlertChanged,
    AlertNotified,
    AlertAcknowledged,
    AlertSilenced,
    LandingLearned,
    ExportReady,
)

EVENTS: Mapping[str, type[Event]] = by_class_name(_ALL)
"""Every event type by class name, as topics name it."""

WIRE_TYPES: Mapping[str, type[Event]] = by_wire_type(_ALL)
"""Every event type by its ``ce_type``."""

OF_SOURCES: frozenset[str] = frozenset({"ExportReady"})
"""Event types that topics of sources carry, which follow from declarations unknown here."""

require_known(
    PLATFORM_TOPICS.values(),
    {name: event for name, event in EVENTS.items() if name not in OF_SOURCES},
)
