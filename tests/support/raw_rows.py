"""Raw rows as the platform would land them, from webhooks that were never sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import polars as pl
import pyarrow as pa

from deploy.generator.delivery import Delivery
from services.stream_writer.parsing.rows import parse
from shared.contracts.envelope import Envelope
from shared.sources.shopify.source import SOURCE
from shared.sources.spec import Delivery as Known
from shared.tables.registry import table_of_topic
from tests.support.records import FetchedRecord

RECEIVED = datetime(2026, 6, 2, tzinfo=UTC)
"""When the first delivery reaches us; each further one a second later."""


def record(delivery: Delivery, offset: int, partition: int = 0) -> FetchedRecord:
    """The record that ingest would write for a Shopify webhook."""
    [read] = [one.read for one in SOURCE.endpoints if one.path == delivery.path]
    known = read(dict(delivery.headers), orjson.loads(delivery.body), delivery.body)
    assert isinstance(known, Known)
    envelope = Envelope(
        id=known.event_id,
        type=known.event_type,
        source="shopify",
        time=known.event_time,
        received_at=RECEIVED + timedelta(seconds=offset),
        delivery_id=str(UUID(int=offset)),
        extensions=known.extensions,
    )
    return FetchedRecord(
        delivery.body,
        offset,
        partition,
        key=known.key.encode(),
        headers=tuple(envelope.headers()),
    )


def landed(deliveries: Iterable[Delivery], topic: str) -> pa.Table:
    """Rows of the topic's landing table: accepted deliveries in their order."""
    mine = [one for one in deliveries if one.accepted and one.topic == topic]
    records = [record(delivery, offset) for offset, delivery in enumerate(mine)]
    loaded = RECEIVED + timedelta(seconds=len(mine))
    return parse(table_of_topic(topic), topic, records, loaded).table


def raw_rows(
    topic: str, payloads: Iterable[Mapping[str, Any]], event_type: str, **envelope: Any
) -> pl.DataFrame:
    """Rows of a landing table for these payloads, all under one envelope.

    Args:
        topic: logical topic.
        payloads: JSON objects.
        event_type: the vendor's topic.
        envelope: ``id``, ``time`` and ``received_at`` of :class:`Envelope`, where they matter.
    """
    one = enveloped(event_type, **envelope)
    return frame(enveloped_rows(topic, [(payload, one) for payload in payloads]))


def enveloped(event_type: str, **envelope: Any) -> Envelope:
    """An envelope of Shopify's, received when it happened where nothing else is said."""
    given = {"id": "event", "time": RECEIVED, "received_at": RECEIVED, **envelope}
    return Envelope(type=event_type, source="shopify", **given)


def enveloped_rows(topic: str, events: Iterable[tuple[Mapping[str, Any], Envelope]]) -> pa.Table:
    """Rows of the topic's landing table for these events, in their order."""
    records = [
        FetchedRecord(json.dumps(payload).encode(), offset, headers=tuple(envelope.headers()))
        for offset, (payload, envelope) in enumerate(events)
    ]
    return parse(table_of_topic(topic), topic, records, RECEIVED).table


def frame(rows: pa.Table) -> pl.DataFrame:
    """Arrow rows as the transformer reads them."""
    made = pl.from_arrow(rows)
    assert isinstance(made, pl.DataFrame)
    return made
