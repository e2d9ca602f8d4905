"""kill -9 of the broker under traffic: no acknowledged record is lost, the group goes on."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.broker import BrokerProcess, broker, free_port

__all__ = ["broker"]

TOPIC = "orders"
PARTITIONS = 4
RECORDS_EACH = 20_000
KILL_AT_SHARES = (0.15, 0.45, 0.75)
PAYLOAD = b"x" * 200
WITHIN_S = 200.0
"""Forty thousand records and two workers of Faust, beside other tests."""


def patient(bootstrap: str) -> dict[str, str | int | float | bool]:
    """Settings of a librdkafka client that outlives its only broker.

    With the default recovery strategy ("rebootstrap") librdkafka 2.16 forgets the broker while it
    is away, and calls that go to a group coordinator wait for the forgotten one for ever.
    """
    return {
        "bootstrap.servers": bootstrap,
        "metadata.recovery.strategy": "none",
        "reconnect.backoff.max.ms": 500,
    }


class Acknowledged:
    """Ids that a producer was promised, counted from several threads."""

    def __init__(self) -> None:
        self.ids: set[bytes] = set()
        self.refused = 0
        self.done = threading.Event()

    def note(self, record_id: bytes, error: object, _message: object = None) -> None:
        if error is None:
            self.ids.add(record_id)
        else:
            self.refused += 1


class Reader:
    """One Faust worker of the group, as a child process."""

    def __init__(self, broker: BrokerProcess, directory: Path, number: int) -> None:
        self.file = directory / f"reader-{number}"
        self.log = directory / f"reader-{number}.log"
        self._position = 0
        self.ids: set[bytes] = set()
        environment = {
            **os.environ,
            "READER_BOOTSTRAP": broker.bootstrap,
            "READER_TOPIC": TOPIC,
            "READER_FILE": str(self.file),
        }
        command = [sys.executable, "-W", "ignore", "-m", "tests.chaos.faust_reader", "worker"]
        command += ["--web-port", str(free_port()), "--web-bind", "127.0.0.1", "-l", "warn"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[2]
            )

    def read_on(self) -> set[bytes]:
        """All ids that the worker has seen so far."""
        if self.file.exists():
            with self.file.open("rb") as file:
                file.seek(self._position)
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                self._position += len(whole) + 1
                self.ids.update(line.partition(b" ")[0] for line in whole.split(b"\n"))
        return self.ids

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def readers(broker: BrokerProcess, tmp_path: Path) -> Iterator[list[Reader]]:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])[TOPIC].result(10)
    running = [Reader(broker, tmp_path, number) for number in (1, 2)]
    try:
        yield running
    finally:
        for reader in running:
            reader.end()


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def produce_with_confluent(bootstrap: str, acknowledged: Acknowledged) -> None:
    producer = Producer(
        {
            **patient(bootstrap),
            "enable.idempotence": True,
            "message.timeout.ms": 60_000,
            "retry.backoff.ms": 50,
            "linger.ms": 5,
            "batch.num.messages": 200,
            "queue.buffering.max.messages": 2_000,
        }
    )
    for number in range(RECORDS_EACH):
        record_id = b"c%d" % number
        while True:
            try:
                producer.produce(
                    TOPIC,
                    record_id + b" " + PAYLOAD,
                    partition=number % PARTITIONS,
                    on_delivery=partial(acknowledged.note, record_id),
                )
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)
    producer.flush(60)
    acknowledged.done.set()


def produce_with_aiokafka(bootstrap: str, acknowledged: Acknowledged) -> None:
    async def run() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            retry_backoff_ms=50,
            request_timeout_ms=60_000,
            linger_ms=5,
        )
        await producer.start()
        try:
            sent: list[tuple[bytes, asyncio.Future[object]]] = []
            for number in range(RECORDS_EACH):
                record_id = b"a%d" % number
                value = record_id + b" " + PAYLOAD
                future = await producer.send(TOPIC, value, partition=number % PARTITIONS)
                sent.append((record_id, future))
                if len(sent) == 1000:
                    await settle(sent)
            await settle(sent)
        finally:
            await producer.stop()

    async def settle(sent: list[tuple[bytes, "asyncio.Future[object]"]]) -> None:
        results = await asyncio.gather(*(each for _, each in sent), return_exceptions=True)
        for (record_id, _), result in zip(sent, results, strict=True):
            failed = isinstance(result, BaseException)
            assert not failed or isinstance(result, KafkaError), result
            acknowledged.note(record_id, result if failed else None)
        sent.clear()

    asyncio.run(run())
    acknowledged.done.set()


def ids_in_log(bootstrap: str) -> Counter[bytes]:
    """How often each id lies in the topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "check"})
    try:
        ends = {}
        for partition in range(PARTITIONS):
            _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=10)
            ends[partition] = end
        consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in ends])
        found: Counter[bytes] = Counter()
        positions = dict.fromkeys(ends, 0)
        deadline = time.monotonic() + 30
        while positions != ends:
            assert time.monotonic() < deadline, (positions, ends)
            for message in consumer.consume(5000, 0.5):
                assert message.error() is None, message.error()
                found[(message.value() or b"").partition(b" ")[0]] += 1
                positions[message.partition() or 0] = (message.offset() or 0) + 1
        return found
    finally:
        consumer.close()


def members_of(admin: AdminClient, group: str, readers: list[Reader]) -> int:
    """Members of the group while it is stable; 0 otherwise."""
    for reader in readers:
        assert reader.process.poll() is None, f"a worker ended:\n{reader.log.read_text()}"
    try:
        described = admin.describe_consumer_groups([group])[group].result(10)
    except KafkaException:
        return 0
    return len(described.members) if described.state.name == "STABLE" else 0


def progressed(acknowledged: dict[str, Acknowledged], share: float) -> bool:
    """Whether each producer has this share of its records acknowledged."""
    return all(len(each.ids) >= share * RECORDS_EACH for each in acknowledged.values())


@pytest.mark.chaos
@pytest.mark.timeout(800)
def test_no_acknowledged_record_is_lost_when_the_broker_is_killed(
    broker: BrokerProcess, readers: list[Reader]
) -> None:
    acknowledged = {"aiokafka": Acknowledged(), "confluent": Acknowledged()}
    threads = [
        threading.Thread(target=produce, args=(broker.bootstrap, noted), daemon=True)
        for produce, noted in (
            (produce_with_aiokafka, acknowledged["aiokafka"]),
            (produce_with_confluent, acknowledged["confluent"]),
        )
    ]
    group = "chaos-readers"
    admin = AdminClient(patient(broker.bootstrap))
    wait_until(lambda: members_of(admin, group, readers) == 2, WITHIN_S, "two workers in the group")
    for thread in threads:
        thread.start()

    for share in KILL_AT_SHARES:
        wait_until(partial(progressed, acknowledged, share), WITHIN_S, f"{share:.0%} acknowledged")
        broker.kill9()
        broker.start()
    for thread in threads:
        thread.join(WITHIN_S)
    assert all(each.done.is_set() for each in acknowledged.values())

    promised = acknowledged["aiokafka"].ids | acknowledged["confluent"].ids
    assert len(promised) + sum(each.refused for each in acknowledged.values()) == 2 * RECORDS_EACH
    in_log = ids_in_log(broker.bootstrap)
    assert not promised - in_log.keys(), "acknowledged records are missing in the log"
    assert not [key for key in promised if in_log[key] > 1], "idempotent retries were duplicated"

    wait_until(
        lambda: not promised.difference(*(reader.read_on() for reader in readers)),
        WITHIN_S,
        "the group has seen every acknowledged record",
    )
    wait_until(lambda: members_of(admin, group, readers) == 2, WITHIN_S, "both workers are members")
