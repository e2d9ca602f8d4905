"""Tables about the platform itself."""

from __future__ import annotations

from shared.contracts.topics import DEAD_LETTERS as DEAD_LETTERS_TOPIC
from shared.contracts.topics import DEAD_LETTERS_HANDLED as HANDLED_TOPIC
from shared.tables.raw.landing import landing_table
from shared.tables.spec import Type

KEEP_DAYS = "bergline.keep-days"
"""Table property: rows that are older are removed by ``bergline dlq purge --expired``."""

DEAD_LETTERS = landing_table(
    "metadata.dead_letters",
    DEAD_LETTERS_TOPIC,
    "Everything that could not be processed, once each by _event_id. Holds plaintext.",
    (
        (Type.STRING, "stage service reason detail topic"),
        (Type.INT, "partition"),
        (Type.LONG, "offset"),
        (Type.STRING, "delivery_id"),
        (Type.TIMESTAMP, "failed_at"),
        (Type.JSON, "headers"),
        (Type.BINARY, "record_key value"),
        (Type.STRING, "vendor_event_id"),
        (Type.TIMESTAMP, "received_at"),
        (Type.STRING, "origin"),
        (Type.BOOLEAN, "left_out"),
    ),
    once_by=("_event_id", "delivery_id"),
    properties={KEEP_DAYS: "90"},
)
"""``value`` and ``record_key`` are the original bytes, whatever they were. A position is used again
when a topic is made anew, hence the delivery id beside it."""

DEAD_LETTERS_HANDLED = landing_table(
    "metadata.dead_letters_handled",
    HANDLED_TOPIC,
    "Replays and purges of dead letters: who, when, why, and where the replayed record stands.",
    (
        (Type.STRING, "action handling_id letter_id delivery_id topic"),
        (Type.INT, "partition"),
        (Type.LONG, "offset"),
        (Type.BOOLEAN, "edited"),
        (Type.LONG, "letters"),
        (Type.JSON, "chosen_by"),
        (Type.STRING, "actor"),
        (Type.TIMESTAMP, "handled_at"),
        (Type.STRING, "reason"),
    ),
    once_by=("_event_id",),
)
