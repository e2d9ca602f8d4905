"""The topic that all contestants read, and how it is filled and emptied."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from shared.runtime.errors import Unavailable
from tests.support.records import FetchedRecord

TOPIC = "shopify.orders"
ANSWER_SECONDS = 30.0
_QUIET = {"log_level": 2}
"""That connections come and go is no news; failures come as errors of calls."""


def make_topic(bootstrap: str, name: str) -> None:
    """Create a topic with one partition."""
    # Kept in a name: a client that is forgotten ends, and what it was asked with it.
    client = AdminClient({"bootstrap.servers": bootstrap, **_QUIET})
    client.create_topics([NewTopic(name, 1, 1)])[name].result(ANSWER_SECONDS)


def empty(bootstrap: str) -> None:
    """Delete all records, so that whoever starts at the log start finds none."""
    client = AdminClient({"bootstrap.servers": bootstrap, **_QUIET})
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-ends", **_QUIET})
    try:
        numbers = consumer.list_topics(TOPIC, ANSWER_SECONDS).topics[TOPIC].partitions
        ends = [
            TopicPartition(
                TOPIC, number, consumer.get_watermark_offsets(TopicPartition(TOPIC, number))[1]
            )
            for number in numbers
        ]
    finally:
        consumer.close()
    for done in client.delete_records(ends).values():
        done.result(ANSWER_SECONDS)


class Filler:
    """Produces orders to the topic, as ingest would."""

    def __init__(self, bootstrap: str) -> None:
        self._failed: list[str] = []
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5, **_QUIET}
        )

    def fill(self, records: Sequence[FetchedRecord]) -> None:
        """Produce at full speed.

        Raises:
            Unavailable: the broker did not take all.
        """
        for record in records:
            self._produce(record)
        self._flush()

    def pace(
        self, records: Sequence[FetchedRecord], rate: float, sent: Callable[[int, float], None]
    ) -> None:
        """Produce ``rate`` a second; ``sent`` is told index and time of each.

        Raises:
            Unavailable: the broker did not take all.
        """
        began = time.time()
        for index, record in enumerate(records):
            due = began + index / rate
            while (left := due - time.time()) > 0:
                self._producer.poll(left)
            sent(index, time.time())
            self._produce(record)
        self._flush()

    def _produce(self, record: FetchedRecord) -> None:
        while True:
            try:
                self._producer.produce(
                    TOPIC,
                    record.value,
                    record.key,
                    headers=[*record.headers],
                    on_delivery=self._delivered,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _flush(self) -> None:
        left = self._producer.flush(ANSWER_SECONDS)
        failed, self._failed = self._failed, []
        if failed or left:
            reason = failed[0] if failed else "no answer"
            raise Unavailable(f"{len(failed) + left} records were not produced: {reason}")

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed.append(error.str())
