"""Produce: what a batch must be, where it may go, how sequences of idempotent producers run."""

import time
from collections.abc import Iterator
from typing import Any

from tests.contracts.broker.bare_client import BareClient, error_name, first
from tests.contracts.broker.kafka import LOADING, settled
from tests.support.kafka_wire import batch

DAY_MS = 86_400_000
GOOD = batch([(b"k", b"v")] * 3)
ONE = [(b"k", b"v")]


def produced(
    client: BareClient,
    topic: str,
    records: bytes | None,
    *,
    partition: int = 0,
    acks: int = -1,
    version: int = 7,
    transactional_id: str | None = None,
) -> str:
    """Error or base offset of one batch; with version 8 what is said about an error, too."""
    entry = {"name": topic, "partitions": [{"index": partition, "records": records}]}
    answer = first(
        client.ask(
            "Produce",
            version,
            transactional_id=transactional_id,
            acks=acks,
            timeout_ms=8000,
            topics=[entry],
        )
    )
    if answer.error_code == 0:
        return f"ok at {answer.base_offset}, log starts at {answer.log_start_offset}"
    said = client.plain(answer.error_message) if version >= 8 else ""
    rejected = [each.batch_index for each in answer.record_errors]
    parts = [error_name(answer.error_code), f"at {answer.base_offset}"]
    parts += [f"records {rejected}"] if rejected else []
    return " ".join(parts) + (f": {said}" if said else "")


def batches(client: BareClient) -> Iterator[tuple[str, str]]:
    """Single batches, one after the other into the same log."""
    topic = client.topic(partitions=2)
    flipped = bytearray(GOOD)
    flipped[70] ^= 1
    now = int(time.time() * 1000)
    client.coordinator(client.name("group"))  # a real Kafka makes its own topic now
    cases: dict[str, dict[str, Any]] = {
        "acks all": {},
        "acks 1": {"acks": 1},
        "acks 5": {"acks": 5},
        "a topic that is not there": {"topic": "no-such-topic"},
        "a partition that is not there": {"partition": 9},
        "partition -1": {"partition": -1},
        "Kafka's own topic": {"topic": "__consumer_offsets"},
        "a wrong checksum": {"records": bytes(flipped)},
        "no bytes": {"records": b""},
        "two batches": {"records": GOOD + GOOD},
        "a batch that ends early": {"records": GOOD[:-20]},
        "less than a header": {"records": GOOD[:30]},
        "format 1": {"records": batch(ONE, magic=1)},
        "a base offset of its own": {"records": batch(ONE, base_offset=77)},
        "a control batch": {"records": batch(ONE, attributes=0x20)},
        "a transactional batch": {"records": batch(ONE, attributes=0x10)},
        "zstd before version 7": {"records": batch(ONE, attributes=4), "version": 6},
        "bytes that are not the gzip they claim": {
            "records": batch(ONE, attributes=1),
            "partition": 1,
        },
        "a record of 1.2 MB": {"records": batch([(None, b"x" * 1_200_000)])},
        "ten days ahead": {"records": batch(ONE, timestamp=now + 10 * DAY_MS)},
        "from 1970": {"records": batch(ONE, timestamp=0)},
        "without a timestamp": {"records": batch(ONE, timestamp=-1)},
        "without a key": {"records": batch([(None, b"v")])},
        "without a value": {"records": batch([(b"k", None)])},
    }
    for question, case in cases.items():
        yield question, produced(client, **{"topic": topic, "records": GOOD} | case)


def topics_with_rules(client: BareClient) -> Iterator[tuple[str, str]]:
    """Topics whose settings limit what they take; version 8 explains."""
    small = client.topic("small", max_message_bytes="1000")
    large = batch([(None, b"x" * 2000)])
    yield "larger than max.message.bytes", produced(client, small, large, version=8)
    yield "not larger", produced(client, small, GOOD, version=8)
    compacted = client.topic("compacted", cleanup_policy="compact")
    mixed = batch([(b"k", b"v"), (None, b"x")])
    yield "one record without key into a compacted topic", produced(client, compacted, mixed)
    yield "only records with keys", produced(client, compacted, GOOD)
    stamped = client.topic("stamped", message_timestamp_type="LogAppendTime")
    entry = {"name": stamped, "partitions": [{"index": 0, "records": batch(ONE, timestamp=5)}]}
    answer = first(client.ask("Produce", 7, acks=-1, timeout_ms=8000, topics=[entry]))
    recent = abs(answer.log_append_time_ms - time.time() * 1000) < DAY_MS
    yield "into a topic with LogAppendTime", f"stamped with the time of now: {recent}"


def sequences(client: BareClient) -> Iterator[tuple[str, str]]:
    """One idempotent producer, its repetitions and its mistakes."""
    topic = client.topic(partitions=2)
    pid = producer_id(client)

    def send(
        sequence: int, count: int = 2, *, epoch: int = 0, producer: int = pid, partition: int = 0
    ) -> str:
        records = batch([(None, b"a")] * count, producer=(producer, epoch, sequence))
        return produced(client, topic, records, partition=partition)

    yield "sequence 0", send(0)
    yield "sequence 2", send(2)
    yield "sequence 2 again", send(2)
    yield "sequence 0 again", send(0)
    yield "sequence 2 again with another length", send(2, count=1)
    for sequence in (4, 6, 8, 10, 12):
        yield f"sequence {sequence}", send(sequence)
    yield "sequence 0 again, six batches ago", send(0)
    yield "sequence 4 again, five batches ago", send(4)
    yield "sequence 20 where 14 is next", send(20)
    yield "sequence 14 after that", send(14)
    yield "sequence 5 of a new epoch", send(5, epoch=1)
    yield "sequence 0 of the new epoch", send(0, epoch=1)
    yield "sequence 16 of the old epoch", send(16)
    unknown = pid + 100_000
    yield "an unknown producer that begins at 7", send(7, producer=unknown, partition=1)
    yield "its next", send(9, producer=unknown, partition=1)
    wrapping = unknown + 1
    last = 2**31 - 1
    yield "the last sequence number and the one after", send(last, producer=wrapping, partition=1)
    yield "the numbers begin again", send(1, producer=wrapping, partition=1)
    yield "every producer has an id of its own", str(producer_id(client) != pid)
    yield "a producer id for transactions", transactional_producer(client)


def producer_id(client: BareClient) -> int:
    """A new producer id."""

    def ask() -> tuple[int, int]:
        answer = client.ask(
            "InitProducerId", 1, transactional_id=None, transaction_timeout_ms=60_000
        )
        return answer.error_code, answer.producer_id

    return settled(ask)


def transactional_producer(client: BareClient) -> str:
    """InitProducerId with a transactional id, once there is a coordinator for it."""
    name = client.name("transactional")

    def ask() -> tuple[int, str]:
        client.ask("FindCoordinator", 1, key=name, key_type=1)
        answer = client.ask(
            "InitProducerId", 1, transactional_id=name, transaction_timeout_ms=60_000
        )
        error = answer.error_code
        return error if error in LOADING else 0, error_name(error)

    return settled(ask)
