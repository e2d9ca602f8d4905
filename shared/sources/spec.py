"""The vocabulary in which a source is declared: one declaration drives everything about it.

A :class:`SourceSpec` says where a vendor's webhooks come in, how they are signed, what each of them
is about and how it is stored. Routes, topics, landing tables, settings, the OpenAPI and AsyncAPI
documents, the generator and the tests are made of it. It holds plain values and pure functions, so
any process can load it: no web server, broker client or table library is imported here.

A source is one folder with ``source.py`` in it, whose name ``SOURCE`` is the declaration: in
``shared/sources/<name>/`` the ones that come with the platform, in
``$BERGLINE_PROJECT/sources/<name>/`` an installation's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.contracts.column_types import TimeFormat, Type
from shared.sources.signing import Signature

Headers = Mapping[str, str]
"""Request headers; the mapping looks names up without regard to case."""

Payload = dict[str, Any]
"""One event as a JSON object; of a form the fields, nested as their brackets say."""

UNKNOWN_TYPE = "unknown"
"""Event type of a delivery whose vendor did not name one."""


class Fault(StrEnum):
    """Why a signed delivery cannot become a record; the values are slugs of problems."""

    INVALID_JSON = "invalid-json"
    INVALID_FORM = "invalid-form"
    NOT_AN_OBJECT = "not-an-object"
    TOO_DEEP = "too-deep"
    TOO_MANY_EVENTS = "too-many-events"
    MISSING_OBJECT = "missing-object"
    MISSING_ID = "missing-id"
    INVALID_EVENT = "invalid-event"
    """What no other word fits; ``detail`` says it."""


class Malformed(Exception):
    """Raised by a reader when a signed event cannot become a record; it is kept as a dead letter.

    Attributes:
        fault: what is answered, and the dead letter's reason.
        detail: what is wrong, for humans; never a value of the payload.
        topic: logical topic it was meant for, when that much could be read.
    """

    def __init__(self, fault: Fault, detail: str, topic: str | None = None) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.topic = topic


class Delivery(NamedTuple):
    """One accepted event, ready to become a record.

    Attributes:
        topic: logical topic; one of those that the endpoint feeds.
        key: business id; the record key and the CloudEvents subject. All versions of one thing
            have the same one, so that they stay in order.
        event_id: the vendor's event id, the same for a redelivery; where the vendor gives none, a
            hash of what stays the same (:func:`shared.sources.attributes.body_hash`).
        event_type: the vendor's type.
        event_time: when it happened, UTC; ``None`` when the vendor does not say.
        answer: what the vendor is told beside ``status`` and ``topic``; not told of one of several.
        extensions: further CloudEvents attributes, names of ``[a-z0-9]`` only.
        expected: false when the type is not one meant for this endpoint; it is kept and counted.
        value: the record's value when it is not the event byte for byte: JSON in UTF-8.
    """

    topic: str
    key: str
    event_id: str
    event_type: str
    event_time: datetime | None
    answer: Mapping[str, str] = MappingProxyType({})
    extensions: tuple[tuple[str, str], ...] = ()
    expected: bool = True
    value: bytes | None = None


Reader = Callable[[Headers, Payload, bytes], Delivery | Sequence[Delivery]]
"""``(headers, payload, body)`` of **one event** → its delivery, or several.

Pure, and raises nothing but :class:`Malformed`, whatever the JSON holds. ``body`` is the event's
own bytes: the request's body; of a :attr:`Body.JSON_EVENTS` the element's bytes as they stand in
the array; of a form the JSON of its fields, which is also what the record holds. Where a vendor
sends several shapes, the reader may give a ``value`` in which they look alike, with everything
received still in it.
"""


class Body(Enum):
    """What a request's body is."""

    JSON = "application/json"
    """One JSON object."""
    JSON_EVENTS = "application/json, an array of events"
    """An array of JSON objects, each of them read and kept on its own; one object alone counts as
    an array of one."""
    FORM = "application/x-www-form-urlencoded"
    """Form fields; brackets nest (``data[merges][EMAIL]``). Told by the request's Content-Type."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route of a source.

    Attributes:
        path: route, also the ``handler`` label of the HTTP metrics: ``/webhooks/<source>/…``.
        summary: one sentence for the OpenAPI document.
        topics: every logical topic that it feeds; the first one files what cannot be told.
        read: what an event means.
        bodies: what its requests may hold; a form is taken only where it is named.
        events_limit: most events of one :attr:`Body.JSON_EVENTS`.
        probed: whether the vendor tries the address before it delivers: then a GET is answered
            200, and so is a signed POST without a body.
    """

    path: str
    summary: str
    topics: tuple[str, ...]
    read: Reader
    bodies: tuple[Body, ...] = (Body.JSON,)
    events_limit: int = 1000
    probed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Parquet files that a source drops, each with many events.

    A file is named by a request to ``path``, or found under a watched prefix, and announced on
    ``topic`` as an :class:`~shared.contracts.exports.ExportReady`; its rows land in the table of
    that topic's entity. The columns of that table are those of the files, at a path of one name.

    Attributes:
        path: route that names a file, ``/ingest/<source>/exports``.
        summary: one sentence for the OpenAPI document.
        topic: of the entity.
        identity: columns whose values identify an event. SHA-256 of their texts with ``|`` between
            them is ``_raw_id``; an event that the table holds already is not inserted again. A row
            in which one of them is null or does not fit is kept with ``_error``.
        event_time: the column that tells when it happened, in whole microseconds since 1970.
        event_type: the column that tells its type.
    """

    path: str
    summary: str
    topic: str
    identity: tuple[str, ...]
    event_time: str
    event_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an example's event must become; ``None`` is not compared."""

    topic: str
    key: str
    event_id: str | None = None
    event_type: str | None = None
    event_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One request as the vendor sends it, signed: document, generator's pattern and test vector.

    Attributes:
        name: a word, for the names of tests.
        path: of the endpoint, with its query.
        headers: all that matter, the signature among them.
        body: the bytes on the wire.
        secret: under which it is signed. Invented, never a real one.
        at: unix seconds at which the signature is fresh.
        becomes: its deliveries, in order.
        public_url: what the installation's address is, where signatures depend on it.
        source: where it is from: the vendor's page, or what made the signature.
    """

    name: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    secret: str
    at: float
    becomes: tuple[Expected, ...]
    public_url: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One vendor.

    It has the settings ``BERGLINE_INGEST_<NAME>_ENABLED`` and ``BERGLINE_INGEST_<NAME>_SECRETS``
    (several active ones, separated by commas), and ``BERGLINE_INGEST_<NAME>_OLD_SIGNATURES`` where
    its scheme has weaker versions (:attr:`~shared.sources.signing.Signature.has_old_versions`).

    Attributes:
        name: CloudEvents ``source``, first part of topics, tables, routes and settings.
        title: the vendor's name as it writes it.
        signature: how deliveries are signed, and requests that name an export.
        entities: what it tells about; all topics of the endpoints and exports, and no others.
        endpoints: its routes.
        exports: the files that it drops.
        kept_headers: request headers that are kept with a dead letter; never the signature.
        documentation: the vendor's pages that this follows.
        examples: at least one for each endpoint.
    """

    name: str
    title: str
    signature: Signature
    entities: tuple[Entity, ...]
    endpoints: tuple[Endpoint, ...] = ()
    exports: tuple[Export, ...] = ()
    kept_headers: tuple[str, ...] = ()
    documentation: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    def entity(self, topic: str) -> Entity:
        """The entity of a logical topic.

        Raises:
            KeyError: the source has no such topic.
        """
        for entity in self.entities:
            if entity.topic == topic:
                return entity
        raise KeyError(f"source {self.name} has no topic {topic!r}")

    def export(self, topic: str) -> Export | None:
        """The export that is announced on a logical topic, if one is."""
        return next((export for export in self.exports if export.topic == topic), None)
