"""Tables about the platform itself."""

from __future__ import annotations

from shared.contracts.topics import DEAD_LETTERS as DEAD_LETTERS_TOPIC
from shared.tables.raw.landing import landing_table
from shared.tables.spec import Type

DEAD_LETTERS = landing_table(
    "metadata.dead_letters",
    DEAD_LETTERS_TOPIC,
    "Everything that could not be processed; repetitions share _event_id.",
    (
        (Type.STRING, "stage service reason detail topic"),
        (Type.INT, "partition"),
        (Type.LONG, "offset"),
        (Type.STRING, "delivery_id"),
        (Type.TIMESTAMP, "failed_at"),
        (Type.JSON, "headers"),
        (Type.STRING, "record_key value"),
    ),
)
"""``value`` and ``record_key`` are base64: the original bytes, whatever they were."""
