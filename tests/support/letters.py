"""Announcements of dead letters as the consumer hands them over, and a table for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.stream_writer.buffer import TableBuffer, Work
from services.stream_writer.partition_batch import PartitionBatch
from services.stream_writer.table_writer import TableWriter
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.event import Event
from shared.contracts.topics import DEAD_LETTERS as TOPIC
from shared.tables.metadata import DEAD_LETTERS
from tests.support.faulty_catalog import FaultyCatalog
from tests.support.lake import Lake
from tests.support.records import FetchedRecord

FAILED = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)


def letter(number: int, delivery: str | None = "", topic: str = "shopify.orders") -> DeadLetter:
    """The letter of the bad record at an offset; by default each is another delivery."""
    return DeadLetter(
        stage="processing",
        service="stream_writer",
        reason="invalid_json",
        detail="not JSON",
        topic=topic,
        partition=0,
        offset=number,
        delivery_id=f"delivery-{number:06d}" if delivery == "" else delivery,
        failed_at=FAILED + timedelta(seconds=number),
        headers={"ce_id": f"event-{number}"},
        value=b"\xff\x00 %d" % number,
        vendor_event_id=f"event-{number}",
    )


def request(number: int, topic: str = "stripe.charges") -> DeadLetter:
    """The letter of a request that ingest refused."""
    return DeadLetter(
        stage="receiving",
        service="ingest",
        reason="missing_id",
        detail="data.object.id is missing",
        topic=topic,
        delivery_id=f"refused-{number:06d}",
        failed_at=FAILED + timedelta(seconds=number),
        headers={"content-type": "application/json"},
        value=b'{"n": %d}' % number,
    )


def announced(event: Event, offset: int, partition: int = 0) -> FetchedRecord:
    """The record that announces an event."""
    key, value, headers = event.encode()
    return FetchedRecord(
        value=value,
        key=key,
        offset=offset,
        partition=partition,
        timestamp=1_767_323_046_000 + offset,
        headers=tuple(headers),
    )


def work(
    records: Sequence[FetchedRecord], start: int, partition: int = 0, topic: str = TOPIC
) -> Work:
    """Records at offsets from ``start`` on, as one piece of work."""
    here = [replace(each, offset=start + n, partition=partition) for n, each in enumerate(records)]
    size = sum(len(each.value or b"") for each in here)
    end = start + len(here)
    batch = PartitionBatch(topic, partition, start, end, here, end, 1, size)
    buffer = TableBuffer()
    buffer.expect(batch.key, start)
    buffer.add(batch, now=0.0)
    return buffer.take()


class LetterTable:
    """The table of dead letters in a directory, and writers of it that come and go."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.writer = self.another()

    def another(self) -> TableWriter:
        """A writer that remembers nothing: after a restart, or on another worker."""
        catalog: FaultyCatalog = self.lake.catalog()
        made = TableWriter(self.lake.handle(catalog), DEAD_LETTERS, 600.0)
        made.first_seen[TOPIC, 0] = 0
        self.writer = made
        return made

    def land(self, events: Sequence[Event], start: int) -> Any:
        """Land their announcements at offsets from ``start`` on."""
        records = [announced(each, 0) for each in events]
        return self.writer.write(self.writer.prepare(work(records, start)), None)

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """Rows in the order of their announcements."""
        found = self.lake.table.scan(selected_fields=(*columns, "_offset")).to_arrow()
        ordered = found.sort_by("_offset")
        return list(zip(*(ordered[name].to_pylist() for name in columns), strict=True))
