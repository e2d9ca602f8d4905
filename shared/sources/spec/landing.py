"""What a source tells about: kinds of things, each with a topic and the table that it lands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from shared.contracts.column_types import TimeFormat, Type


@dataclass(frozen=True, slots=True)
class PayloadColumn:
    """A column of a landing table that holds one value of the payload.

    Attributes:
        name: column name; a leading underscore is the platform's.
        type: what it holds. A value that does not fit is null in its column, named in ``_drift``
            and still there in ``_payload``.
        path: where it stands in the record's value, from the root.
        time_format: how a timestamp is written.
    """

    name: str
    type: Type
    path: tuple[str, ...]
    time_format: TimeFormat = TimeFormat.ISO_8601


@dataclass(frozen=True, slots=True)
class RawTable:
    """A landing table: ``_payload``, the envelope's columns, and these.

    Attributes:
        name: logical name, ``raw.<source>_<things>``.
        doc: one sentence.
        columns: in the order in which they were declared over time. Their field ids follow it:
            once a table exists, new columns go to the end, and none is taken out or moved.
    """

    name: str
    doc: str
    columns: tuple[PayloadColumn, ...]


def columns(
    *groups: tuple[Type, str],
    root: tuple[str, ...] = (),
    times: TimeFormat = TimeFormat.ISO_8601,
) -> tuple[PayloadColumn, ...]:
    """Columns named as the fields that they hold, from (type, names separated by spaces).

    Args:
        groups: in order, as field ids follow it.
        root: where in the payload all of them stand.
        times: how their timestamps are written.
    """
    return tuple(
        PayloadColumn(
            name, type_, (*root, name), times if type_ is Type.TIMESTAMP else TimeFormat.ISO_8601
        )
        for type_, names in groups
        for name in names.split()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of thing that a source tells about: one topic and the table that it lands in.

    Attributes:
        topic: logical topic, ``<source>.<things>``.
        key: what the record key holds, in words.
        description: one sentence for topics and documents.
        table: where its records land.
        event_types: the vendor's types that are meant for it.
        other_types: whether types that nobody names go here.
        expected_every: longest time without a new row that is normal; ``None``: alerter learns it.
    """

    topic: str
    key: str
    description: str
    table: RawTable
    event_types: tuple[str, ...] = ()
    other_types: bool = False
    expected_every: timedelta | None = None


def topics_by_type(entities: Sequence[Entity]) -> Mapping[str, str]:
    """The vendor's event type → topic.

    Raises:
        ValueError: two entities name one type.
    """
    found: dict[str, str] = {}
    for entity in entities:
        for event_type in entity.event_types:
            if found.setdefault(event_type, entity.topic) != entity.topic:
                raise ValueError(
                    f"event type {event_type} is named by {found[event_type]} and {entity.topic}"
                )
    return MappingProxyType(found)
