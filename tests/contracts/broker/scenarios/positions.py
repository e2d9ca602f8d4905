"""Positions: the ends of a log, offsets by time, the epoch's end, records deleted on demand."""

from collections.abc import Iterator

from tests.contracts.broker.bare_client import BareClient, error_name, first
from tests.contracts.broker.scenarios.fetch import fetched
from tests.contracts.broker.scenarios.produce import produced
from tests.support.kafka_wire import batch

NOON_MS = 1_700_000_000_000
LATEST, EARLIEST, LARGEST_TIMESTAMP = -1, -2, -3


def listed(
    client: BareClient, topic: str, timestamp: int, *, partition: int = 0, version: int = 2
) -> str:
    """ListOffsets of one partition."""
    entry = {"index": partition, "timestamp": timestamp, "current_leader_epoch": -1}
    topics = [{"name": topic, "partitions": [entry]}]
    found = first(client.ask("ListOffsets", version, replica_id=-1, topics=topics))
    if found.error_code:
        return error_name(found.error_code)
    when = f"noon + {found.timestamp - NOON_MS} ms" if found.timestamp >= 0 else "no time"
    return f"offset {found.offset}, {when}"


def deleted(client: BareClient, topic: str, offset: int, *, partition: int = 0) -> str:
    """DeleteRecords of one partition."""
    topics = [{"name": topic, "partitions": [{"index": partition, "offset": offset}]}]
    found = first(client.ask("DeleteRecords", 1, topics=topics, timeout_ms=5000))
    return f"{error_name(found.error_code)}, low watermark {found.low_watermark}"


def epoch_end(client: BareClient, topic: str, epoch: int, *, partition: int = 0) -> str:
    """OffsetForLeaderEpoch of one partition."""
    entry = {"index": partition, "current_leader_epoch": -1, "leader_epoch": epoch}
    topics = [{"name": topic, "partitions": [entry]}]
    found = first(client.ask("OffsetForLeaderEpoch", 2, topics=topics))
    return f"{error_name(found.error_code)}, epoch {found.leader_epoch} ends at {found.end_offset}"


def times(client: BareClient) -> Iterator[tuple[str, str]]:
    """Four batches of five records, a second apart."""
    topic = client.topic()
    for name, asked in (("latest", LATEST), ("earliest", EARLIEST), ("by time", 5)):
        yield f"{name} of an empty log", listed(client, topic, asked)
    for second in range(4):
        produced(client, topic, batch([(b"k", b"v")] * 5, timestamp=NOON_MS + second * 1000))
    cases = {
        "latest": LATEST,
        "earliest": EARLIEST,
        "the exact time of the second batch": NOON_MS + 1000,
        "between two batches": NOON_MS + 1500,
        "before the first": 0,
        "after the last": NOON_MS + 10**9,
        "largest timestamp, in a version without it": LARGEST_TIMESTAMP,
        "a word that does not exist": -9,
    }
    for question, timestamp in cases.items():
        yield question, listed(client, topic, timestamp)
    for version in (1, 2, 3, 4, 5):
        yield f"latest in version {version}", listed(client, topic, LATEST, version=version)
    yield "a topic that is not there", listed(client, "no-such-topic", LATEST)
    yield "a partition that is not there", listed(client, topic, LATEST, partition=7)
    yield "the leader's epoch", epoch_end(client, topic, 0)
    yield "a later epoch", epoch_end(client, topic, 5)
    yield "the epoch of a partition that is not there", epoch_end(client, topic, 0, partition=7)


def deletion(client: BareClient) -> Iterator[tuple[str, str]]:
    """Records deleted on demand, from the start of a log."""
    topic = client.topic()
    for second in range(4):
        produced(client, topic, batch([(b"k", b"v")] * 5, timestamp=NOON_MS + second * 1000))
    yield "up to 7, inside a batch", deleted(client, topic, 7)
    yield "earliest then", listed(client, topic, EARLIEST)
    yield "by a time that is gone", listed(client, topic, 0)
    for offset in (7, 6, 0):
        yield f"fetch from {offset}", fetched(client, topic, offset)
    yield "up to 3, before the start", deleted(client, topic, 3)
    yield "up to 99, behind the end", deleted(client, topic, 99)
    yield "up to -5", deleted(client, topic, -5)
    yield "up to -1: all", deleted(client, topic, -1)
    yield "earliest at last", listed(client, topic, EARLIEST)
    yield "latest at last", listed(client, topic, LATEST)
    yield "the next record", produced(client, topic, batch([(b"k", b"v")]))
    yield "of a topic that is not there", deleted(client, "no-such-topic", 1)
    yield "of a partition that is not there", deleted(client, topic, 1, partition=3)
    compacted = client.topic("compacted", cleanup_policy="compact")
    produced(client, compacted, batch([(b"k", b"v")]))
    yield "of a compacted topic", deleted(client, compacted, 1)
