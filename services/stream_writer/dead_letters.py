"""Announce bad records before they are committed as rows: nobody learns of an error late."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from services.stream_writer.preparing import Prepared
from shared.contracts.dead_letters import REPLAYED_FROM, DeadLetter
from shared.contracts.envelope import read
from shared.contracts.topics import DEAD_LETTERS, MAX_RECORD_BYTES
from shared.runtime.bus import publish
from shared.runtime.metrics import Instruments
from shared.runtime.settings import Settings

SERVICE = "stream_writer"
MAX_IN_FLIGHT = 256
MAX_VALUE_BYTES = MAX_RECORD_BYTES * 5 // 8
"""Largest value that fits into a record as base64, beside key and headers."""
MAX_ASIDE_BYTES = 64 * 1024
"""Most of key and headers; JSON may write six bytes for one of them."""

_NAMED = ("delivery_id", "ce_id", REPLAYED_FROM)
"""Headers that a letter has in fields of their own, too."""


class DeadLetterSink:
    """Publishes a DeadLetter per bad record; the id is its position, so repetitions fold."""

    def __init__(
        self, producer: AIOKafkaProducer, settings: Settings, instruments: Instruments
    ) -> None:
        self._producer = producer
        self._settings = settings
        self._published = instruments.counter("lakehouse_dead_letters_total")

    async def announce(self, prepared: Prepared) -> None:
        """Publish all bad records of ``prepared`` and wait until the broker has them.

        Bad dead letters are rows only: announcing them on their own topic would never end.

        Raises:
            aiokafka.errors.KafkaError: not all were acknowledged; call again.
        """
        if not prepared.bad:
            return
        by_row = {record.index: record for record in prepared.bad}
        letters: list[DeadLetter] = []
        for key, (begin, count) in prepared.slices.items():
            rows = [row for row in by_row if begin <= row < begin + count]
            if not rows or key[0] == DEAD_LETTERS:
                continue
            records = prepared.records(key)
            letters += [
                letter_of(key[0], records[row - begin], by_row[row].reason, by_row[row].detail)
                for row in sorted(rows)
            ]
        for first in range(0, len(letters), MAX_IN_FLIGHT):
            part = letters[first : first + MAX_IN_FLIGHT]
            await asyncio.gather(
                *(publish(self._producer, self._settings, DEAD_LETTERS, one) for one in part)
            )
            for letter in part:
                self._published.labels(SERVICE, letter.topic, letter.reason).inc()


def letter_of(topic: str, record: Any, reason: str, detail: str) -> DeadLetter:
    """The letter that announces one record. It always fits into a record of its own.

    One that the broker refuses would stop the table for good, so what foreign producers have
    made too large is left out, and said to be; the table's row has it.
    """
    headers, key, value = read(record.headers or ()), record.key, record.value or b""
    left_out = False
    if len(value) > MAX_VALUE_BYTES:
        left_out = True
        detail = f"{detail} (value of {len(value)} bytes left out)"
        value = b""
    aside = len(key or b"") + sum(len(name) + len(text) for name, text in headers.items())
    aside += sum(len(headers.get(name, "")) for name in _NAMED)
    if aside > MAX_ASIDE_BYTES:
        left_out = True
        detail = f"{detail} (key and headers of {aside} bytes left out)"
        headers, key = {}, None
    return DeadLetter(
        stage="processing",
        service=SERVICE,
        reason=reason,
        detail=detail,
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        delivery_id=headers.get("delivery_id"),
        failed_at=datetime.now(UTC),
        headers=headers,
        record_key=key,
        value=value,
        vendor_event_id=headers.get("ce_id"),
        received_at=_moment(headers.get("received_at")),
        origin=headers.get(REPLAYED_FROM),
        left_out=left_out,
    )


def _moment(text: str | None) -> datetime | None:
    try:
        moment = None if text is None else datetime.fromisoformat(text)
        return None if moment is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
