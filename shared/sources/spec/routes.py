"""Where deliveries come in: requests with events, and requests that name files of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from shared.sources.spec.delivery import Reader


class Body(Enum):
    """What a request's body is."""

    JSON = "application/json"
    """One JSON object."""
    JSON_EVENTS = "application/json, an array of events"
    """An array of JSON objects, each of them read and kept on its own; one object alone counts as
    an array of one."""
    FORM = "application/x-www-form-urlencoded"
    """Form fields; brackets nest (``data[merges][EMAIL]``). Told by the request's Content-Type."""


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
