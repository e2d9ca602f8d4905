"""What the vendors were promised, as tables for the ledger: every event that must be a row once,
and everything that must be kept as a dead letter.

The answer to an array names no delivery ids, so its events are told by topic and event id; all
others by the id in their answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pyarrow as pa

from deploy.generator.poster import Outcome
from deploy.generator.records import Record, records

PROMISED = pa.schema(
    [
        pa.field("delivery_id", pa.utf8()),
        pa.field("topic", pa.utf8()),
        pa.field("event_id", pa.utf8()),
        pa.field("event_type", pa.utf8()),
        pa.field("key", pa.utf8()),
        pa.field("body", pa.binary()),
        pa.field("fields", pa.utf8()),
        pa.field("drift", pa.bool_()),
    ]
)
"""An event a row; null is not compared. ``fields`` are those of a form, as JSON."""

LETTERS = pa.schema([pa.field("delivery_id", pa.utf8()), pa.field("body", pa.binary())])


def promised(outcomes: Sequence[Outcome]) -> pa.Table:
    """Every event of every delivery that was answered 2xx."""
    return pa.Table.from_pylist(
        [
            _row(one.delivery_id, record)
            for one in outcomes
            if one.accepted
            for record in records(one.delivery)
        ],
        PROMISED,
    )


def letters(outcomes: Sequence[Outcome]) -> pa.Table:
    """Every refused body, and every event of an accepted array, that must be a dead letter."""
    return pa.Table.from_pylist(
        [
            {"delivery_id": None if one.accepted else one.delivery_id, "body": body}
            for one in outcomes
            for body in one.delivery.dead_letters
        ],
        LETTERS,
    )


def beyond(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many rows and dead letters there may be beyond those promised.

    A post without an answer may have been accepted all the same.
    """
    return {
        "rows": sum(one.unknown * len(records(one.delivery)) for one in outcomes),
        "dead_letters": sum(one.unknown * len(one.delivery.dead_letters) for one in outcomes),
    }


def nameless(outcome: Outcome) -> bool:
    """Whether an accepted delivery of one event was not told its id."""
    return outcome.accepted and outcome.delivery_id is None and outcome.delivery.source != "hubspot"


def _row(delivery_id: str | None, record: Record) -> dict[str, object]:
    return {
        "delivery_id": delivery_id,
        "topic": record.topic,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "key": record.key,
        "body": record.body,
        "fields": None if record.fields is None else orjson.dumps(record.fields).decode(),
        "drift": record.drift,
    }
