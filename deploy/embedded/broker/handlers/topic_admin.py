"""CreateTopics 2–4, DeleteTopics 1–3, CreatePartitions 0–1."""

from typing import NamedTuple

from ..broker import NODE_ID, Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request
from ..wire import Reader, Writer

_DEFAULT = -1


class _NewTopic(NamedTuple):
    name: str
    partitions: int
    replication: int
    assignments: list[tuple[int, list[int]]]
    configs: dict[str, str | None]


async def create_topics(broker: Broker, request: Request) -> Writer:
    """Create topics; each is durable before the answer."""
    body = request.body
    topics = body.array(lambda: _new_topic(body))
    body.int32()  # timeout
    validate_only = body.boolean()
    names = [topic.name for topic in topics]
    answers: dict[str, KafkaError | None] = {}
    for topic in topics:
        try:
            partitions = _checked_placement(topic, names)
            broker.topics.check_new(topic.name, partitions, topic.configs)
            if not validate_only:
                await broker.topics.create(topic.name, partitions, topic.configs)
        except KafkaError as error:
            answers[topic.name] = error
        except OSError as error:
            answers[topic.name] = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error))
        else:
            answers[topic.name] = None
    return _answer(answers, with_message=True)


async def delete_topics(broker: Broker, request: Request) -> Writer:
    """Delete topics, their records and the offsets committed for them."""
    body = request.body
    names = body.array(body.string)
    answers: dict[str, KafkaError | None] = {}
    for name in names:
        try:
            await broker.topics.delete(name)
        except KafkaError as error:
            answers.setdefault(name, error)
        else:
            answers[name] = None
    return _answer(answers, with_message=False)


async def create_partitions(broker: Broker, request: Request) -> Writer:
    """Let topics grow."""
    body = request.body
    wanted = body.array(
        lambda: (
            body.string(),
            body.int32(),
            body.nullable_array(lambda: body.array(body.int32)),
        )
    )
    body.int32()  # timeout
    validate_only = body.boolean()
    answers: dict[str, KafkaError | None] = {}
    for name, count, _ in wanted:
        try:
            broker.topics.check_partition_count(name, count)
            if not validate_only:
                await broker.topics.grow(name, count)
        except KafkaError as error:
            answers[name] = error
        except OSError as error:
            answers[name] = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error))
        else:
            answers[name] = None
    return _answer(answers, with_message=True)


def _new_topic(body: Reader) -> _NewTopic:
    return _NewTopic(
        body.string(),
        body.int32(),
        body.int16(),
        body.array(lambda: (body.int32(), body.array(body.int32))),
        dict(body.array(lambda: (body.string(), body.nullable_string()))),
    )


def _checked_placement(topic: _NewTopic, names: list[str]) -> int:
    """The number of partitions; raises KafkaError for what one node cannot do."""
    if names.count(topic.name) > 1:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    if topic.assignments:
        for _, nodes in topic.assignments:
            for node in nodes:
                if node != NODE_ID:
                    raise KafkaError(
                        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                        f"The manual partition assignment includes broker {node}, "
                        "but no such broker is registered.",
                    )
        return len(topic.assignments)
    if topic.replication != _DEFAULT and topic.replication < 1:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if topic.replication > 1:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {topic.replication} time(s): this is one node.",
        )
    return 1 if topic.partitions == _DEFAULT else topic.partitions


def _answer(answers: dict[str, KafkaError | None], *, with_message: bool) -> Writer:
    writer = Writer()
    writer.throttle_time(True)

    def topic(each: tuple[str, KafkaError | None]) -> None:
        name, error = each
        writer.string(name)
        writer.int16(error.code if error else ErrorCode.NONE)
        if with_message:
            writer.string(error.message if error else None)

    writer.array(answers.items(), topic)
    return writer
