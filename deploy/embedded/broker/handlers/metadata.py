"""Metadata, FindCoordinator: one node leads every partition and every group.

Topics are never created by asking for them.
"""

from ..broker import NODE_ID, Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request
from ..schema import Fields
from ..topic_names import check_name


async def metadata(broker: Broker, request: Request) -> Fields:
    """Brokers, controller, and the topics asked for."""
    names = request.body.topics
    if names is None or (request.version == 0 and not names):
        names = [topic.name for topic in broker.topics]
    host, port = broker.address
    return {
        "brokers": [{"node_id": NODE_ID, "host": host, "port": port}],
        "cluster_id": broker.data_dir.cluster_id,
        "controller_id": NODE_ID,
        "topics": [_topic(broker, name) for name in names],
    }


async def find_coordinator(broker: Broker, request: Request) -> Fields:
    """This node, for groups and (so that clients get a clear answer later) transactions."""
    if request.body.key_type not in (0, 1):
        text = "unknown type of coordinator"
        return {"error_code": ErrorCode.INVALID_REQUEST, "error_message": text}
    host, port = broker.address
    return {"error_message": "NONE", "node_id": NODE_ID, "host": host, "port": port}


def _topic(broker: Broker, name: str) -> Fields:
    topic = broker.topics.get(name)
    if topic is not None:
        placed = {"leader_id": NODE_ID, "replica_nodes": [NODE_ID], "isr_nodes": [NODE_ID]}
        numbers = range(len(topic.partitions))
        return {"name": name, "partitions": [{"index": number, **placed} for number in numbers]}
    error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    try:
        check_name(name)
    except KafkaError as invalid:
        error = invalid.code
    return {"name": name, "error_code": error}
