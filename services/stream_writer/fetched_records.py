"""What a fetch brought, as the bytes that the broker sent.

The client would make some thirty objects of every record; see :mod:`record_batches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka.consumer import fetcher as client_fetcher
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult
from aiokafka.record.memory_records import MemoryRecords

from services.stream_writer.record_batches.record_set import RecordSet, record_set


class KeptRecords(MemoryRecords):
    """aiokafka's reader of what a fetch brought, that gives the bytes, too."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


def keep_fetched_bytes() -> None:
    """From now on every consumer of this process can tell the bytes of what it fetched."""
    client_fetcher.MemoryRecords = KeptRecords


def fetched_records(result: FetchResult) -> Sequence[Any]:
    """Records of a fetch as they came, or as the client's objects where the format is an older one.

    Moves the consumer's position behind them, as ``getall`` does.

    Raises:
        CorruptRecordException, Malformed: they are not what the format says.
    """
    source = result._partition_records
    kept, plain = source._records, None
    if isinstance(kept, KeptRecords) and source._isolation_level == READ_UNCOMMITTED:
        partition = result._topic_partition.partition
        plain = record_set(partition, kept.data, source.next_fetch_offset)
    if plain is None:
        records: Sequence[Any] = result.getall()
        return records
    if not result.check_assignment(result._topic_partition):
        return ()
    source.next_fetch_offset = plain.end
    result._update_position()
    result._partition_records = None
    return plain


def size_of(records: Sequence[Any]) -> int:
    """Bytes of the records."""
    if isinstance(records, RecordSet):
        return len(records.data)
    return sum(len(record.value or b"") + len(record.key or b"") for record in records)
