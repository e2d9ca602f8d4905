"""One webhook post before it is signed, and the truth about it that the ledger checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Source = Literal["shopify", "stripe", "hubspot", "mailchimp", "standard"]

SOURCES: tuple[Source, ...] = ("shopify", "stripe", "hubspot", "mailchimp", "standard")
"""Those that post; GA4 exports files (:mod:`deploy.generator.ga4`)."""


class Kind(Enum):
    """Why a delivery is made."""

    CREATION = "creation"
    UPDATE = "update"
    OUT_OF_ORDER = "out of order"
    """An older version that comes after a newer one."""
    DELETION = "deletion"
    REDELIVERY = "redelivery"
    """The vendor's retry: same event id, same bytes; HubSpot counts its attempts in them."""
    MALFORMED = "malformed"
    """Something in it is wrong: refused with a 4xx, or taken without what cannot be used."""


class Signature(Enum):
    """How the delivery is to be signed."""

    VALID = "valid"
    WRONG = "wrong"
    MISSING = "missing"
    STALE = "stale"
    """Right, but made longer ago than the vendor's tolerance allows."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post.

    Attributes:
        source: the vendor.
        path: endpoint below ingest's address.
        topic: logical topic where it must arrive, when it is accepted; of several events, the
            first one's.
        event_type: the vendor's topic or event type.
        event_id: the vendor's event id, a hash of the body where it has none; redeliveries share
            it. Of several events, the first one's.
        subject: id of the object, as text.
        headers: all headers but the signature.
        body: the bytes that are signed and posted.
        kind: why it is made.
        signature: how it is signed.
        status: the answer that must come.
        events: number of events in the body: records, when it is accepted.
        dead_letters: what must be kept as dead letters: a refused body, or events of an array.
        drift: whether values of it fit no column; it is accepted all the same.
    """

    source: Source
    path: str
    topic: str
    event_type: str
    event_id: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    kind: Kind
    signature: Signature = Signature.VALID
    status: int = 200
    events: int = 1
    dead_letters: tuple[bytes, ...] = ()
    drift: bool = False

    @property
    def accepted(self) -> bool:
        """Whether it must become rows."""
        return 200 <= self.status < 300
