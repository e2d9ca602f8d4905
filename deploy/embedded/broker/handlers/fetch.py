"""Fetch: long polling for durable records.

Fetch sessions (KIP-227) are never opened: session id 0 tells the client to send full requests.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from ..broker import Broker
from ..errors import ErrorCode, KafkaError
from ..partition_log import PartitionLog
from ..request import Request
from ..schema import Fields
from ..segment_read import SegmentRead

_LONGEST_WAIT_SECONDS = 300.0


@dataclass(slots=True)
class _Wanted:
    """One partition of a fetch and, later, its answer."""

    topic: str
    asked: Any
    log: PartitionLog | None = None
    error: ErrorCode = ErrorCode.NONE
    records: bytes | memoryview = b""

    def check(self, broker: Broker) -> int:
        """Set error and log as of now; the bytes that could be read."""
        offset: int = self.asked.fetch_offset
        try:
            self.log = log = broker.topics.partition(self.topic, self.asked.index)
        except KafkaError as error:
            self.error, self.log = error.code, None
            return 0
        if self.asked.current_leader_epoch > 0:
            self.error = ErrorCode.UNKNOWN_LEADER_EPOCH
        elif not log.start_offset <= offset <= log.high_watermark:
            self.error = ErrorCode.OFFSET_OUT_OF_RANGE
        else:
            bound: int = max(self.asked.max_bytes, 1)
            return min(log.readable_bytes(offset), bound)
        return 0

    def answer(self) -> Fields:
        """The fields of the answer."""
        if self.error or self.log is None:
            return {"index": self.asked.index, "error_code": self.error}
        return {
            "index": self.asked.index,
            "high_watermark": self.log.high_watermark,
            "last_stable_offset": self.log.high_watermark,
            "log_start_offset": self.log.start_offset,
            "records": self.records,
        }


async def fetch(broker: Broker, request: Request) -> Fields:
    """Wait for ``min_bytes`` or ``max_wait``, then read at most ``max_bytes``."""
    body = request.body
    if body.session_id and body.session_epoch > 0:
        return {"error_code": ErrorCode.FETCH_SESSION_ID_NOT_FOUND}
    wait = min(max(body.max_wait_ms / 1000, 0.0), _LONGEST_WAIT_SECONDS)
    max_bytes = max(min(body.max_bytes, broker.settings.max_fetch_bytes), 1)
    topics = [
        (topic.name, [_Wanted(topic.name, each) for each in topic.partitions])
        for topic in body.topics
    ]
    wanted = [each for _, partitions in topics for each in partitions]
    available = await _wait(broker, wanted, min(body.min_bytes, max_bytes), wait)
    if available:
        reserve = min(available, max_bytes) + broker.settings.max_request_bytes // 32
        await broker.fetch_budget.acquire(reserve)
        request.answer_bytes = reserve
        await _read(broker, wanted, max_bytes)
    return {
        "topics": [
            {"name": name, "partitions": [each.answer() for each in partitions]}
            for name, partitions in topics
        ]
    }


async def _wait(broker: Broker, wanted: list[_Wanted], min_bytes: int, wait: float) -> int:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while True:
        available = sum([each.check(broker) for each in wanted])
        left = deadline - loop.time()
        if any(each.error for each in wanted) or available >= min_bytes or left <= 0:
            return available
        watcher: asyncio.Future[None] = loop.create_future()
        logs = [each.log for each in wanted if each.log is not None]
        for log in logs:
            log.watch(watcher)
        try:
            await asyncio.wait([watcher], timeout=left)
        finally:
            for log in logs:
                log.unwatch(watcher)


async def _read(broker: Broker, wanted: list[_Wanted], max_bytes: int) -> None:
    left, nothing_yet = max_bytes, True
    for each in wanted:
        each.check(broker)  # the log may have moved on while this fetch waited for memory
        if each.error or each.log is None or (left <= 0 and not nothing_yet):
            continue
        limit = min(each.asked.max_bytes, left)
        try:
            plan = each.log.plan_read(each.asked.fetch_offset, limit, whole_first=nothing_yet)
            if plan is not None:
                each.records = await _run(broker, plan)
        except OSError:
            each.error = ErrorCode.KAFKA_STORAGE_ERROR
            continue
        each.log.fetched_bytes += len(each.records)
        left -= len(each.records)
        nothing_yet = nothing_yet and not each.records


async def _run(broker: Broker, plan: SegmentRead) -> memoryview:
    """Read from the page cache at once; what is not there is read by a thread."""
    try:
        return plan.run(cached_only=True)
    except BlockingIOError:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(broker.readers, lambda: plan.run(cached_only=False))
