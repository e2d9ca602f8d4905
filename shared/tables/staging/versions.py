"""Columns by which staging tells versions of one object apart, and tombstones."""

from __future__ import annotations

from shared.tables.derived import Declared
from shared.tables.spec import Type

ORDERING: tuple[Declared, ...] = (
    ("_event_time", Type.TIMESTAMP, "When the vendor triggered the version's event."),
    ("_event_id", Type.STRING, "The vendor's id of the version's event."),
    ("_payload_sha256", Type.STRING, "SHA-256 of the version's payload, hexadecimal."),
)
"""What decides between versions after the object's own ``updated_at``. Of a deletion they are
null, so that it never wins over a version: it says that the object is gone, not what it was."""

DELETED_AT: Declared = (
    "deleted_at",
    Type.TIMESTAMP,
    "When the vendor said that it was deleted; null while it exists. Later versions leave it.",
)

LOADED_AT: Declared = (
    "_loaded_at",
    Type.TIMESTAMP,
    "When the first record of the object was loaded.",
)

STAGED_AT: Declared = ("_staged_at", Type.TIMESTAMP, "When the row was written.")
