"""Faust as services use it: a worker of a group that reads, sends, commits and comes back."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.contracts.broker.conftest import NewTopicFixture
from tests.contracts.broker.kafka import committed
from tests.support.broker import BrokerProcess, free_port
from tests.support.kafka_wire import RawConnection

WITHIN_SECONDS = 60.0


@contextmanager
def echoing(broker: BrokerProcess, source: str, target: str, directory: Path) -> Iterator[None]:
    """A worker, asked to end by SIGTERM as a service is."""
    environment = {
        **os.environ,
        "ECHO_BOOTSTRAP": broker.bootstrap,
        "ECHO_FROM": source,
        "ECHO_TO": target,
        "ECHO_DATA": str(directory),
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.contracts.broker.faust_echo", "worker"]
    command += ["--web-port", str(free_port()), "--web-bind", "127.0.0.1", "-l", "warn"]
    with (directory / "worker.log").open("ab") as log:
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
        worker.terminate()
        worker.wait(WITHIN_SECONDS)
    finally:
        worker.kill()
        worker.wait()


def send(broker: BrokerProcess, topic: str, numbers: range) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in numbers:
        producer.produce(topic, b"value-%d" % number, key=b"key-%d" % number)
    assert producer.flush(20) == 0


def received(consumer: Consumer, count: int) -> list[tuple[bytes | None, bytes | None]]:
    """The next records, at least so many."""
    found: list[tuple[bytes | None, bytes | None]] = []
    deadline = time.monotonic() + WITHIN_SECONDS
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count}"
        found += [(message.key(), message.value()) for message in consumer.consume(1000, 0.1)]
    return found


def test_a_worker_reads_sends_on_commits_and_comes_back(
    shared_broker: BrokerProcess, new_topic: NewTopicFixture, tmp_path: Path
) -> None:
    source, target = new_topic(), new_topic()
    send(shared_broker, source, range(200))
    consumer = Consumer({"bootstrap.servers": shared_broker.bootstrap, "group.id": "unused"})
    consumer.assign([TopicPartition(target, 0, 0)])

    def records(numbers: range) -> list[tuple[bytes, bytes]]:
        return [(b"key-%d" % number, b"value-%d" % number) for number in numbers]

    with echoing(shared_broker, source, target, tmp_path):
        assert received(consumer, 200) == records(range(200))
        deadline = time.monotonic() + WITHIN_SECONDS
        with RawConnection(shared_broker.bootstrap) as connection:
            while committed(connection, f"echo-{source}", source) < 200:
                assert time.monotonic() < deadline
    send(shared_broker, source, range(200, 210))
    with echoing(shared_broker, source, target, tmp_path):
        assert received(consumer, 10) == records(range(200, 210))
    consumer.close()
