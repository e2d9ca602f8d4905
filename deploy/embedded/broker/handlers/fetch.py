"""Fetch 4–11: long polling for durable records.

Fetch sessions (KIP-227) are never opened: session id 0 tells the client to send full requests.
"""

import asyncio
from dataclasses import dataclass

from ..broker import Broker
from ..errors import ErrorCode, KafkaError
from ..partition_log import PartitionLog
from ..request import Request
from ..segment_read import SegmentRead
from ..wire import Writer

_LONGEST_WAIT_SECONDS = 300.0


@dataclass(slots=True)
class _Wanted:
    """One partition of a fetch and, later, its answer."""

    topic: str
    partition: int
    offset: int
    max_bytes: int
    leader_epoch: int
    log: PartitionLog | None = None
    error: ErrorCode = ErrorCode.NONE
    records: bytes | memoryview = b""

    def check(self, broker: Broker) -> int:
        """Set error and log as of now; the bytes that could be read."""
        try:
            self.log = broker.topics.partition(self.topic, self.partition)
        except KafkaError as error:
            self.error, self.log = error.code, None
            return 0
        if self.leader_epoch > 0:
            self.error = ErrorCode.UNKNOWN_LEADER_EPOCH
        elif not self.log.start_offset <= self.offset <= self.log.high_watermark:
            self.error = ErrorCode.OFFSET_OUT_OF_RANGE
        else:
            return min(self.log.readable_bytes(self.offset), max(self.max_bytes, 1))
        return 0


async def fetch(broker: Broker, request: Request) -> Writer:
    """Wait for ``min_bytes`` or ``max_wait``, then read at most ``max_bytes``."""
    body, version = request.body, request.version
    body.int32()  # replica id
    wait = min(max(body.int32() / 1000, 0.0), _LONGEST_WAIT_SECONDS)
    min_bytes = body.int32()
    max_bytes = min(body.int32(), broker.settings.max_fetch_bytes)
    body.int8()  # isolation level: without transactions both mean the same
    session_id, session_epoch = (body.int32(), body.int32()) if version >= 7 else (0, -1)

    def partition(topic: str) -> _Wanted:
        number = body.int32()
        leader_epoch = body.int32() if version >= 9 else -1
        offset = body.int64()
        if version >= 5:
            body.int64()  # log start offset of a follower
        return _Wanted(topic, number, offset, body.int32(), leader_epoch)

    def per_topic() -> list[_Wanted]:
        name = body.string()
        return body.array(lambda: partition(name))

    topics = body.array(per_topic)
    if session_id and session_epoch > 0:
        return _refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    wanted = [each for topic in topics for each in topic]
    available = await _wait(broker, wanted, min(min_bytes, max(max_bytes, 1)), wait)
    if available:
        reserve = min(available, max(max_bytes, 1)) + broker.settings.max_request_bytes // 32
        await broker.fetch_budget.acquire(reserve)
        request.answer_bytes = reserve
        await _read(broker, wanted, max_bytes)
    return _answer(topics, version)


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
        timer = loop.call_later(left, _wake, watcher)
        try:
            await watcher
        finally:
            timer.cancel()
            for log in logs:
                log.unwatch(watcher)


def _wake(watcher: asyncio.Future[None]) -> None:
    if not watcher.done():
        watcher.set_result(None)


async def _read(broker: Broker, wanted: list[_Wanted], max_bytes: int) -> None:
    left, nothing_yet = max_bytes, True
    for each in wanted:
        each.check(broker)  # the log may have moved on while this fetch waited for memory
        if each.error or each.log is None or (left <= 0 and not nothing_yet):
            continue
        limit = min(each.max_bytes, left)
        try:
            plan = each.log.plan_read(each.offset, limit, whole_first=nothing_yet)
        except (KafkaError, FileNotFoundError):
            each.error = ErrorCode.OFFSET_OUT_OF_RANGE  # retention was faster
            continue
        if plan is None:
            continue
        try:
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


def _answer(topics: list[list[_Wanted]], version: int) -> Writer:
    writer = Writer()
    writer.throttle_time(True)
    if version >= 7:
        writer.int16(ErrorCode.NONE)
        writer.int32(0)  # no session

    def partition(each: _Wanted) -> None:
        log = None if each.error else each.log
        writer.int32(each.partition)
        writer.int16(each.error)
        writer.int64(log.high_watermark if log else -1)
        writer.int64(log.high_watermark if log else -1)  # last stable offset
        if version >= 5:
            writer.int64(log.start_offset if log else -1)
        writer.int32(-1)  # aborted transactions: none
        if version >= 11:
            writer.int32(-1)  # preferred read replica
        writer.data(each.records)

    def topic(each: list[_Wanted]) -> None:
        writer.string(each[0].topic)
        writer.array(each, partition)

    writer.array([each for each in topics if each], topic)
    return writer


def _refused(error: ErrorCode) -> Writer:
    writer = Writer()
    writer.throttle_time(True)
    writer.int16(error)
    writer.int32(0)
    writer.array((), writer.int32)
    return writer
