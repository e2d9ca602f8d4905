"""Metadata 0–7, FindCoordinator 0–2: one node leads every partition and every group.

Topics are never created by asking for them.
"""

from ..broker import NODE_ID, Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request
from ..topics import check_name
from ..wire import Writer


async def metadata(broker: Broker, request: Request) -> Writer:
    """Brokers, controller, and the topics asked for."""
    version = request.version
    names = request.body.nullable_array(request.body.string)
    if names is None or (version == 0 and not names):
        names = [topic.name for topic in broker.topics]
    writer = Writer()
    writer.throttle_time(version >= 3)
    writer.array([broker.address], lambda address: _node(writer, address, with_rack=version >= 1))
    if version >= 2:
        writer.string(broker.cluster_id)
    if version >= 1:
        writer.int32(NODE_ID)  # controller
    writer.array(names, lambda name: _topic(broker, writer, name, version))
    return writer


async def find_coordinator(broker: Broker, request: Request) -> Writer:
    """This node, for groups and (so that clients get a clear answer later) transactions."""
    version = request.version
    request.body.string()  # key
    known = version == 0 or request.body.int8() in (0, 1)
    writer = Writer()
    writer.throttle_time(version >= 1)
    writer.int16(ErrorCode.NONE if known else ErrorCode.INVALID_REQUEST)
    if version >= 1:
        writer.string("NONE" if known else "unknown type of coordinator")
    host, port = broker.address if known else ("", -1)
    writer.int32(NODE_ID if known else -1)
    writer.string(host)
    writer.int32(port)
    return writer


def _node(writer: Writer, address: tuple[str, int], *, with_rack: bool) -> None:
    writer.int32(NODE_ID)
    writer.string(address[0])
    writer.int32(address[1])
    if with_rack:
        writer.string(None)


def _topic(broker: Broker, writer: Writer, name: str, version: int) -> None:
    topic = broker.topics.get(name)
    error = ErrorCode.NONE
    if topic is None:
        error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        try:
            check_name(name)
        except KafkaError as invalid:
            error = invalid.code
    writer.int16(error)
    writer.string(name)
    if version >= 1:
        writer.boolean(False)  # internal

    def partition(number: int) -> None:
        writer.int16(ErrorCode.NONE)
        writer.int32(number)
        writer.int32(NODE_ID)
        if version >= 7:
            writer.int32(0)  # leader epoch
        writer.array([NODE_ID], writer.int32)
        writer.array([NODE_ID], writer.int32)
        if version >= 5:
            writer.array((), writer.int32)  # offline replicas

    writer.array(range(len(topic.partitions) if topic else 0), partition)
