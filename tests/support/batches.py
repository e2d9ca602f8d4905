"""Fetched batches as the consumer hands them over."""

from __future__ import annotations

from collections.abc import Collection

from services.stream_writer.buffer import TableBuffer, Work
from services.stream_writer.partition_batch import PartitionBatch
from tests.support.lake import TOPIC
from tests.support.records import FetchedRecord


def record(partition: int, offset: int, value: bytes | None = None) -> FetchedRecord:
    """A record whose delivery id and timestamp follow from where it stands."""
    return FetchedRecord(
        value=b'{"id":%d}' % offset if value is None else value,
        offset=offset,
        partition=partition,
        timestamp=1_767_323_046_000 + offset,
        headers=(("delivery_id", b"delivery-%d-%d" % (partition, offset)),),
    )


def batch(
    start: int,
    end: int,
    partition: int = 0,
    *,
    missing: Collection[int] = (),
    bad: Collection[int] = (),
    generation: int = 1,
) -> PartitionBatch:
    """Offsets ``[start, end)``; no record at ``missing`` ones, no JSON at ``bad`` ones."""
    records = [
        record(partition, offset, b"not json" if offset in bad else None)
        for offset in range(start, end)
        if offset not in missing
    ]
    size = sum(len(each.value or b"") + len(each.key or b"") for each in records)
    return PartitionBatch(TOPIC, partition, start, end, records, end, generation, size)


def work(*batches: PartitionBatch) -> Work:
    """What a buffer that expected exactly these batches gives away."""
    buffer, begun = TableBuffer(), set[tuple[str, int]]()
    for each in batches:
        if each.key not in begun:
            begun.add(each.key)
            buffer.expect(each.key, each.start)
        buffer.add(each, now=0.0)
    return buffer.take()
