"""Fetch: where it begins, how much it brings, how long it waits, what ends it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.contracts.broker.bare_client import (
    BareClient,
    error_name,
    first,
    offsets_of,
)
from tests.contracts.broker.scenarios.produce import produced
from tests.support.kafka_wire import batch

FIVE = batch([(b"k", b"v" * 1000)] * 5, timestamp=1_700_000_000_000)
MOMENT_SECONDS = 0.25
"""Whatever takes longer has waited."""


def fetched(
    client: BareClient,
    topic: str,
    offset: int,
    *,
    partition: int = 0,
    partition_bytes: int = 1 << 20,
    epoch: int = -1,
    version: int = 5,
    **request: Any,
) -> str:
    """What one fetch of one partition brings."""
    entry = {
        "index": partition,
        "fetch_offset": offset,
        "log_start_offset": -1,
        "max_bytes": partition_bytes,
        "current_leader_epoch": epoch,
    }
    settings = {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 1, "max_bytes": 50 << 20}
    wanted = {"topics": [{"name": topic, "partitions": [entry]}], "session_epoch": -1}
    answer = client.ask("Fetch", version, **settings | wanted | request)
    if version >= 7 and answer.error_code:
        return f"{error_name(answer.error_code)} for all"
    found = first(answer)
    session = " in a session" if version >= 7 and answer.session_id else ""
    if found.error_code:
        return f"{error_name(found.error_code)}, end {found.high_watermark}{session}"
    content = offsets_of(bytes(found.records))
    return f"{content}, log {found.log_start_offset} to {found.high_watermark}{session}"


def bounds(client: BareClient) -> Iterator[tuple[str, str]]:
    """Where it begins and how much it brings."""
    topic = client.topic()
    yield "an empty log", fetched(client, topic, 0)
    for _ in range(4):
        produced(client, topic, FIVE)
    size = len(FIVE)
    cases: dict[str, dict[str, Any]] = {
        "from the start": {"offset": 0},
        "from inside a batch": {"offset": 7},
        "fewer bytes than a batch": {"offset": 7, "partition_bytes": 10},
        "one and a half batches": {"offset": 0, "partition_bytes": size * 3 // 2},
        "no bytes in all": {"offset": 0, "max_bytes": 0},
        "no bytes of the partition": {"offset": 0, "partition_bytes": 0},
        "two batches in all": {"offset": 0, "max_bytes": size * 2},
        "from the end": {"offset": 20},
        "behind the end": {"offset": 21},
        "offset -1": {"offset": -1},
        "a topic that is not there": {"offset": 0, "topic": "no-such-topic"},
        "a partition that is not there": {"offset": 0, "partition": 5},
        "version 7 without a session": {"offset": 0, "version": 7},
        "version 7, a new session": {"offset": 0, "version": 7, "session_epoch": 0},
        "version 7, a session that is not there": {
            "offset": 0, "version": 7, "session_id": 12_345, "session_epoch": 1,
        },
        "the leader's epoch": {"offset": 0, "version": 11, "epoch": 0},
        "a later epoch than the leader's": {"offset": 0, "version": 11, "epoch": 5},
    }  # fmt: skip
    for question, case in cases.items():
        yield question, fetched(client, **{"topic": topic} | case)


def waits(client: BareClient) -> Iterator[tuple[str, str]]:
    """How long a fetch at the end of a log waits, and what wakes it."""
    topic = client.topic()

    def timed(client: BareClient, offset: int, **request: Any) -> str:
        began = time.monotonic()
        answer = fetched(client, topic, offset, **request)
        took = time.monotonic() - began
        longest = request.get("max_wait_ms", 0) / 1000
        if took < MOMENT_SECONDS:
            return f"{answer}, at once"
        return f"{answer}, {'after all the time' if took >= longest * 0.9 else 'when there'}"

    yield "max wait 0", timed(client, 0)
    yield "min bytes 0", timed(client, 0, max_wait_ms=500, min_bytes=0)
    yield "half a second", timed(client, 0, max_wait_ms=500)
    with meanwhile(client, lambda other: produced(other, topic, FIVE)):
        yield "a batch comes meanwhile", timed(client, 0, max_wait_ms=20_000)
    yield "min bytes are there", timed(client, 0, max_wait_ms=500, min_bytes=len(FIVE))
    yield "min bytes are not there", timed(client, 0, max_wait_ms=500, min_bytes=len(FIVE) + 1)
    deleting = {"names": [topic], "timeout_ms": 5000}
    with meanwhile(client, lambda other: other.ask("DeleteTopics", 1, **deleting)):
        yield "the topic is deleted meanwhile", timed(client, 5, max_wait_ms=20_000)
    yield "after that", fetched(client, topic, 5)
    again = client.topic()
    yield "made again, at the old position", _once_led(client, again)


@contextmanager
def meanwhile(client: BareClient, action: Callable[[BareClient], object]) -> Iterator[None]:
    """Act from another connection once the question asked inside has begun to wait."""
    with client.another() as other:
        timer = threading.Timer(MOMENT_SECONDS * 2, action, [other])
        timer.start()
        yield
        timer.join()


def _once_led(client: BareClient, topic: str) -> str:
    """A fetch behind the end, once the new log is led."""
    deadline = time.monotonic() + 60
    while (answer := fetched(client, topic, 5)).startswith("NOT_LEADER"):
        assert time.monotonic() < deadline
    return answer
