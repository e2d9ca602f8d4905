"""Produce requests that are more, or less, than a question with an answer."""

from collections.abc import Iterator

import pytest

from tests.contracts.broker.conftest import NewTopicFixture
from tests.contracts.broker.kafka import produce, produce_body, produced
from tests.support.broker import BrokerProcess
from tests.support.kafka_wire import RawConnection, batch

GOOD = batch([(b"k", b"v")] * 3)


@pytest.fixture
def connection(shared_broker: BrokerProcess) -> Iterator[RawConnection]:
    with RawConnection(shared_broker.bootstrap) as opened:
        yield opened


def test_acks_0_has_no_answer_and_a_failure_closes(
    shared_broker: BrokerProcess, connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic()
    connection.send(0, 7, produce_body(topic, 0, GOOD, acks=0))
    assert connection.ask(18, 0, b"").int16() == 0
    with RawConnection(shared_broker.bootstrap) as other:
        other.send(0, 7, produce_body("no-such-topic", 0, GOOD, acks=0))
        assert other.is_closed()


def test_pipelined_produces_keep_their_order(
    connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic()
    sent = [connection.send(0, 7, produce_body(topic, 0, GOOD)) for _ in range(40)]
    answers = [connection.receive() for _ in sent]
    assert [answer.int32() for answer in answers] == sent
    assert [produced(answer).base_offset for answer in answers] == [3 * n for n in range(40)]


def test_a_batch_that_is_null(shared_broker: BrokerProcess, new_topic: NewTopicFixture) -> None:
    with RawConnection(shared_broker.bootstrap, timeout=2.0) as connection:
        if shared_broker.is_embedded:
            assert produce(connection, new_topic(), None) == (87, -1, -1)
        else:
            with pytest.raises(TimeoutError):
                produce(connection, new_topic(), None)
