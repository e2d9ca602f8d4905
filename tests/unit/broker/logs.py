"""Builders for the storage tests: a log in a directory, and appends that wait for durability."""

from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.flusher import Flusher, Job
from deploy.embedded.broker.partition_log import PartitionLog
from deploy.embedded.broker.record_batch import read_header
from deploy.embedded.broker.topic_configs import log_config
from tests.support.kafka_wire import batch

NOW_MS = 1_700_000_000_000


def make_log(directory: Path, **configs: str) -> PartitionLog:
    """A recovered log; settings with underscores for dots."""
    overrides = {name.replace("_", "."): value for name, value in configs.items()}
    log = PartitionLog(directory, log_config(overrides), Flusher(0.0))
    log.recover()
    return log


def append(
    log: PartitionLog,
    records: Sequence[tuple[bytes | None, bytes | None]] = ((b"k", b"v"),),
    *,
    producer: tuple[int, int, int] = (-1, -1, -1),
    timestamp: int = NOW_MS,
) -> int:
    """Append one batch without flushing; its base offset. Needs a running event loop."""
    encoded = memoryview(batch(records, producer=producer, timestamp=timestamp))
    return log.append(encoded, read_header(encoded), NOW_MS).base_offset


def flush(log: PartitionLog, error: OSError | None = None) -> None:
    """One group commit; with ``error`` the write fails instead."""
    job: Job | None = log.begin_flush()
    assert job is not None
    if error is None:
        job()
    log.finish_flush(error)


def read(log: PartitionLog, offset: int, max_bytes: int = 1 << 20) -> bytes:
    """The bytes that a fetch would get."""
    plan = log.plan_read(offset, max_bytes, whole_first=True)
    return b"" if plan is None else bytes(plan.run(cached_only=False))


def offsets(content: bytes) -> list[int]:
    """Base offsets of the whole batches in ``content``."""
    found, position = [], 0
    while position + 61 <= len(content):
        header = read_header(content, position)
        found.append(header.base_offset)
        position += header.size
    return found


__all__ = ["NOW_MS", "ErrorCode", "append", "flush", "make_log", "offsets", "read"]
