"""Little at a time is gathered before it is taken up; how long it waited is told."""

from __future__ import annotations

import asyncio

import pytest
from faust.types.tuples import TP

from services.stream_writer import batch_fetching
from services.stream_writer.batch_fetching import GATHER_S, LITTLE_BYTES, BatchConsumerThread
from services.stream_writer.partition_batch import PartitionBatch

ORDERS = TP("shopify.orders", 0)


def batch(size: int, waited_s: float = 0.0) -> PartitionBatch:
    return PartitionBatch("shopify.orders", 0, 0, 1, [b""], 1, 1, size, waited_s)


@pytest.fixture
def thread() -> BatchConsumerThread:
    made: BatchConsumerThread = BatchConsumerThread.__new__(BatchConsumerThread)
    return made


async def pause_after(thread: BatchConsumerThread, size: int) -> float:
    thread._gathered({ORDERS: [batch(size)]})
    return thread._gather_until - thread._taken_at


@pytest.mark.asyncio
async def test_after_little_the_next_records_are_gathered(thread: BatchConsumerThread) -> None:
    assert await pause_after(thread, LITTLE_BYTES - 1) == pytest.approx(GATHER_S)


@pytest.mark.asyncio
async def test_after_much_nothing_waits(thread: BatchConsumerThread) -> None:
    assert await pause_after(thread, LITTLE_BYTES) == 0.0


@pytest.mark.asyncio
async def test_records_are_as_old_as_the_time_since_something_was_taken_up_last(
    thread: BatchConsumerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They cannot be older; and they were fetched at once after a longer silence."""
    monkeypatch.setattr(batch_fetching, "GATHER_S", 5.0)
    thread._taken_at = asyncio.get_running_loop().time() - 3.0
    (found,) = thread._gathered({ORDERS: [batch(1)]})[ORDERS]
    assert 3.0 <= found.waited_s < 5.0
    thread._taken_at -= 100.0
    (found,) = thread._gathered({ORDERS: [batch(1)]})[ORDERS]
    assert found.waited_s == 5.0
