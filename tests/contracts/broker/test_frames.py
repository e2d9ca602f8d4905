"""What happens to clients that break the protocol, or ask for what is not there."""

import pytest

from tests.support.broker import BrokerProcess
from tests.support.kafka_wire import RawConnection, array, int8, int16, int32, string

BAD_FRAMES = {
    "negative size": int32(-1) + b"xxxx",
    "two gigabytes": int32(2**31 - 1) + b"xxxx",
    "size zero": int32(0),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "array without items": int32(15)
    + int16(3)
    + int16(4)
    + int32(1)
    + string("")
    + int32(5)
    + b"\0",
    "unknown api": int32(12) + int16(999) + int16(0) + int32(1) + string("ab"),
    "metadata version 99": int32(12) + int16(3) + int16(99) + int32(1) + string("ab"),
    "inter-broker api": int32(12) + int16(27) + int16(1) + int32(1) + string("ab"),
}


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_a_bad_frame_closes_only_its_connection(shared_broker: BrokerProcess, frame: bytes) -> None:
    with RawConnection(shared_broker.bootstrap) as other:
        with RawConnection(shared_broker.bootstrap) as connection:
            connection.send_bytes(frame)
            assert connection.is_closed()
        assert other.ask(18, 0, b"").int16() == 0


def test_api_versions_beyond_the_newest_is_answered_in_version_0(
    shared_broker: BrokerProcess,
) -> None:
    with RawConnection(shared_broker.bootstrap) as connection:
        client = b"\0\x05test\x021\0"  # tagged fields, software name and version, tagged fields
        correlation = connection.send(18, 99, client)
        answer = connection.receive()
        assert answer.int32() == correlation
        assert answer.int16() == 35
        ranges = answer.array(lambda: (answer.int16(), answer.int16(), answer.int16()))
        assert [key for key, _, _ in ranges] == [18]
        assert connection.ask(18, 0, b"").int16() == 0


def test_pipelined_requests_are_answered_in_order(shared_broker: BrokerProcess) -> None:
    with RawConnection(shared_broker.bootstrap) as connection:
        sent = [connection.send(18, 0, b"") for _ in range(50)]
        assert [connection.receive().int32() for _ in sent] == sent


def metadata_error(connection: RawConnection, topic: str) -> int:
    """The error of one topic in Metadata 4, automatic creation allowed."""
    answer = connection.ask(3, 4, array([topic], string) + int8(1))
    answer.int32()
    answer.array(lambda: (answer.int32(), answer.string(), answer.int32(), answer.string()))
    answer.string(), answer.int32(), answer.int32()
    return answer.int16()


def test_topics_are_not_created_by_asking(shared_broker: BrokerProcess) -> None:
    with RawConnection(shared_broker.bootstrap) as connection:
        for name, error in (("no-such-topic", 3), ("bad name!", 17)):
            assert metadata_error(connection, name) == error


def test_closed_connections_are_counted(shared_broker: BrokerProcess) -> None:
    with RawConnection(shared_broker.bootstrap) as connection:
        connection.send_bytes(int32(-1))
        assert connection.is_closed()
    metrics = shared_broker.metrics()
    assert 'kafka_broker_connections_closed_total{reason="malformed_request"}' in metrics
