"""CreateTopics, DeleteTopics, CreatePartitions."""

from collections.abc import Awaitable
from typing import Any

from ..broker import NODE_ID, Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request, error_fields
from ..schema import Fields

_DEFAULT = -1


async def create_topics(broker: Broker, request: Request) -> Fields:
    """Create topics; each is durable before the answer."""
    names = [topic.name for topic in request.body.topics]
    validate_only = request.body.validate_only

    async def create(topic: Any) -> None:
        if names.count(topic.name) > 1:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
        configs = {each.name: each.value for each in topic.configs}
        partitions = _placed_partitions(topic)
        await broker.topics.create(topic.name, partitions, configs, validate_only=validate_only)

    answers = {topic.name: await _outcome(create(topic)) for topic in request.body.topics}
    return {"topics": [{"name": name, **error_fields(each)} for name, each in answers.items()]}


async def delete_topics(broker: Broker, request: Request) -> Fields:
    """Delete topics, their records and the offsets committed for them."""
    names = dict.fromkeys(request.body.names)
    answers = {name: await _outcome(broker.topics.delete(name)) for name in names}
    return {
        "topics": [
            {"name": name, "error_code": error.code if error else ErrorCode.NONE}
            for name, error in answers.items()
        ]
    }


async def create_partitions(broker: Broker, request: Request) -> Fields:
    """Let topics grow."""
    validate_only = request.body.validate_only
    answers = {
        topic.name: await _outcome(
            broker.topics.grow(topic.name, topic.count, validate_only=validate_only)
        )
        for topic in request.body.topics
    }
    return {"topics": [{"name": name, **error_fields(each)} for name, each in answers.items()]}


async def _outcome(change: Awaitable[None]) -> KafkaError | None:
    try:
        await change
    except KafkaError as error:
        return error
    except OSError as error:
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error))
    return None


def _placed_partitions(topic: Any) -> int:
    """The number of partitions; raises KafkaError for what one node cannot do."""
    if topic.assignments:
        return _assigned_partitions(topic)
    factor = topic.replication_factor
    if factor == 0 or factor < _DEFAULT:
        text = "Replication factor must be larger than 0, or -1 to use the default value."
        raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, text)
    if factor > 1:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {factor} time(s): The target replication factor "
            f"of {factor} cannot be reached because only 1 broker(s) are registered.",
        )
    return 1 if topic.partitions == _DEFAULT else int(topic.partitions)


def _assigned_partitions(topic: Any) -> int:
    for number, name in (
        (topic.replication_factor, "replication factor"),
        (topic.partitions, "numPartitions"),
    ):
        if number != _DEFAULT:
            text = f"A manual partition assignment was specified, but {name} was not set to -1."
            raise KafkaError(ErrorCode.INVALID_REQUEST, text)
    for assignment in topic.assignments:
        for node in assignment.broker_ids:
            if node != NODE_ID:
                raise KafkaError(
                    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                    f"The manual partition assignment includes broker {node}, "
                    "but no such broker is registered.",
                )
    count = len(topic.assignments)
    if sorted(each.index for each in topic.assignments) != list(range(count)):
        text = "partitions should be a consecutive 0-based integer sequence"
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text)
    return count
