"""Bytes of a fetch that are no record batches hold up their partition, and nothing else."""

from __future__ import annotations

import asyncio
from struct import pack_into
from types import SimpleNamespace
from typing import Any

import crc32c
import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition
from faust.types.tuples import TP

from services.stream_writer.batch_fetching import BatchConsumerThread
from services.stream_writer.fetched_records import KeptRecords
from services.stream_writer.record_batches.codecs import MAX_UNPACKED_BYTES
from services.stream_writer.record_batches.record import Malformed
from services.stream_writer.record_batches.record_set import record_set
from tests.support.record_batches import batch
from tests.support.records import FetchedRecord

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_LENGTH_AT, _CRC_AT, _CHECKED_FROM, _COUNT_AT, _RECORDS_AT = 8, 17, 21, 57, 61

RECORDS = [FetchedRecord(b"value" * 20, 7), FetchedRecord(b"value" * 20, 8)]


def signed(data: bytearray) -> bytes:
    """With the checksum that fits: what a broken producer sends."""
    pack_into(">I", data, _CRC_AT, crc32c.crc32c(bytes(data[_CHECKED_FROM:])))
    return bytes(data)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_cannot_be_unpacked_is_malformed(codec: int) -> None:
    data = bytearray(batch(RECORDS, 7, codec=codec))
    data[_RECORDS_AT:] = b"\xff" * (len(data) - _RECORDS_AT)
    with pytest.raises(Malformed, match="batch at offset 7 cannot be unpacked"):
        record_set(0, signed(data), 7)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_unpacks_to_very_much_is_malformed(codec: int) -> None:
    bomb = batch([FetchedRecord(b"\0" * (MAX_UNPACKED_BYTES + 1), 7)], 7, codec=codec)
    assert len(bomb) < MAX_UNPACKED_BYTES / 10
    with pytest.raises(Malformed, match="batch at offset 7 unpacks to more than"):
        record_set(0, bomb, 7)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_one_fetch_may_not_hold_is_left_for_the_next(codec: int) -> None:
    half = b"\0" * (MAX_UNPACKED_BYTES // 2)
    data = b"".join(batch([FetchedRecord(half, n)], n, codec=codec) for n in (7, 8, 9))
    found = record_set(0, data, 7)
    assert found is not None
    assert ([record.offset for record in found], found.end) == ([7], 8)
    assert found[0].value == half


def test_a_negative_count_is_malformed() -> None:
    data = bytearray(batch(RECORDS, 7))
    pack_into(">i", data, _COUNT_AT, -1)
    with pytest.raises(Malformed, match="batch at offset 7 counts -1 records"):
        record_set(0, signed(data), 7)


@pytest.mark.parametrize("length", [-2_147_483_648, -12, -5, 0, 4])
def test_a_length_that_is_none_is_corrupt(length: int) -> None:
    data = bytearray(batch(RECORDS, 7))
    pack_into(">i", data, _LENGTH_AT, length)
    with pytest.raises(CorruptRecordException, match="batch at offset 7 has no length"):
        record_set(0, bytes(data), 7)


class Broker:
    """What the client's fetcher holds of two partitions, of which one is damaged."""

    def __init__(self, damaged: bytes) -> None:
        self.failed: list[tuple[TP, Exception]] = []
        self.notified: list[Any] = []
        tps = {TopicPartition("t", 0): damaged, TopicPartition("t", 1): batch(RECORDS, 7)}
        self.subscriptions = SubscriptionState()
        self.subscriptions.assign_from_user(set(tps))
        assignment = self.subscriptions.subscription.assignment
        self.fetcher = SimpleNamespace(
            _subscriptions=self.subscriptions,
            _records={},
            _notify=self.notified.append,
            _wait_consume_future=None,
        )
        for tp, data in tps.items():
            assignment.state_value(tp).seek(7)
            source = PartitionRecords(
                tp, KeptRecords(data), [], 7, None, None, True, READ_UNCOMMITTED
            )
            self.fetcher._records[tp] = FetchResult(
                tp, assignment=assignment, partition_records=source, backoff=0
            )
        self.app = SimpleNamespace(consumer_generation_id=1)

    def partition_failed(self, tp: TP, error: Exception) -> None:
        self.failed.append((tp, error))


@pytest.mark.asyncio
async def test_a_damaged_partition_does_not_end_the_consumer() -> None:
    data = bytearray(batch(RECORDS, 7))
    data[-1] ^= 1
    broker = Broker(bytes(data))
    thread: Any = object.__new__(BatchConsumerThread)
    thread.consumer = broker
    active = set(broker.fetcher._records)
    async with asyncio.timeout(5):
        drained = await thread._drain(broker.fetcher, active, 0.0)
    [(tp, error)] = broker.failed
    assert (tp.partition, type(error)) == (0, CorruptRecordException)
    assert {tp.partition: [(b.start, b.end) for b in found] for tp, found in drained.items()} == {
        1: [(7, 9)]
    }
    assert broker.fetcher._records == {}, "the damaged bytes are fetched again"
    position = broker.subscriptions.subscription.assignment.state_value(TopicPartition("t", 0))
    assert position.position == 7
