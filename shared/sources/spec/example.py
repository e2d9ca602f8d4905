"""Requests as a vendor sends them, and what they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


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
