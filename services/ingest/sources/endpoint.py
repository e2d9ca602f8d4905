"""What all sources share: an endpoint turns headers and a parsed body into a delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from services.ingest.problem import Problem
from services.ingest.signatures.verifier import Headers, Verifier

Payload = dict[str, Any]
UNKNOWN_TYPE = "unknown"
"""Event type of a delivery whose vendor did not name one."""


class Delivery(NamedTuple):
    """One accepted delivery, ready to become a record.

    Attributes:
        topic: logical topic.
        key: business id; the record key and the CloudEvents subject.
        event_id: the vendor's event id, the same for a redelivery.
        event_type: the vendor's type.
        event_time: when it happened, UTC; ``None`` when the vendor does not say.
        answer: what the vendor is told beside ``status`` and ``topic``.
        extensions: further CloudEvents attributes.
        expected: false when the type is not one meant for this endpoint; it is kept and counted.
    """

    topic: str
    key: str
    event_id: str
    event_type: str
    event_time: datetime | None
    answer: Mapping[str, str]
    extensions: tuple[tuple[str, str], ...] = ()
    expected: bool = True


class Malformed(Exception):
    """Raised when a signed delivery cannot become a record; it is kept as a dead letter.

    Attributes:
        problem: what is answered; its slug is the dead letter's reason.
        detail: what is wrong, for humans; never a value of the payload.
        topic: logical topic it was meant for, when that much could be read.
    """

    def __init__(self, problem: Problem, detail: str, topic: str | None = None) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.topic = topic


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route of a source.

    Attributes:
        path: route, also the ``handler`` label of the HTTP metrics.
        summary: one sentence for the OpenAPI document.
        topics: every logical topic that it feeds; the first one files what cannot be told.
        read: (headers, payload, body) → delivery; raises :class:`Malformed`.
    """

    path: str
    summary: str
    topics: tuple[str, ...]
    read: Callable[[Headers, Payload, bytes], Delivery]


@dataclass(frozen=True, slots=True)
class Source:
    """One vendor.

    Attributes:
        name: CloudEvents ``source``, first part of topic names, and of its settings' names.
        endpoints: its routes.
        signature_header: header that holds the signature.
        verifier: makes the verifier of the active secrets.
        headers: request headers that are kept with a dead letter.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    signature_header: str
    verifier: Callable[[Sequence[str]], Verifier]
    headers: tuple[str, ...]
