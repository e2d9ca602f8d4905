"""OffsetCommit 2–7, OffsetFetch 1–5, OffsetDelete 0."""

from ..broker import Broker
from ..coordinator import MAX_METADATA_BYTES, committed_now
from ..errors import ErrorCode, KafkaError
from ..members import GroupState
from ..offsets import Change
from ..request import Request
from ..wire import Writer

Errors = list[tuple[str, list[tuple[int, ErrorCode]]]]


async def offset_commit(broker: Broker, request: Request) -> Writer:
    """Make positions of a group durable, then answer."""
    body, version = request.body, request.version
    group, generation, member_id = body.string(), body.int32(), body.string()
    instance_id = body.nullable_string() if version >= 7 else None
    if version <= 4:
        body.int64()  # retention time: the broker's own setting rules

    def partition() -> tuple[int, int, str]:
        number, offset = body.int32(), body.int64()
        if version >= 6:
            body.int32()  # leader epoch
        return number, offset, body.nullable_string() or ""

    topics = body.array(lambda: (body.string(), body.array(partition)))
    refusal = broker.coordinator.may_commit(group, member_id, instance_id, generation)
    changes: list[Change] = []

    def admit(topic: str, number: int, offset: int, metadata: str) -> ErrorCode:
        if refusal is not ErrorCode.NONE:
            return refusal
        if len(metadata) > MAX_METADATA_BYTES:
            return ErrorCode.OFFSET_METADATA_TOO_LARGE
        try:
            broker.topics.partition(topic, number)
        except KafkaError as error:
            return error.code
        changes.append((group, topic, number, committed_now(offset, metadata)))
        return ErrorCode.NONE

    errors: Errors = [
        (topic, [(each[0], admit(topic, *each)) for each in partitions])
        for topic, partitions in topics
    ]
    stored = await broker.coordinator.commit(changes) if changes else ErrorCode.NONE
    writer = Writer()
    writer.throttle_time(version >= 3)
    _write_errors(writer, errors, stored)
    return writer


async def offset_fetch(broker: Broker, request: Request) -> Writer:
    """The committed positions; of all partitions when none are named."""
    body, version = request.body, request.version
    group = body.string()
    named = body.nullable_array(lambda: (body.string(), body.array(body.int32)))
    committed = broker.offsets.of(group)
    if named is None:
        by_topic: dict[str, list[int]] = {}
        for topic, partition in committed:
            by_topic.setdefault(topic, []).append(partition)
        named = list(by_topic.items())
    writer = Writer()
    writer.throttle_time(version >= 3)

    def partition_of(topic: str, number: int) -> None:
        found = committed.get((topic, number))
        writer.int32(number)
        writer.int64(found.offset if found else -1)
        if version >= 5:
            writer.int32(-1)  # leader epoch
        writer.string(found.metadata if found else "")
        writer.int16(ErrorCode.NONE)

    def per_topic(each: tuple[str, list[int]]) -> None:
        topic, partitions = each
        writer.string(topic)
        writer.array(partitions, lambda number: partition_of(topic, number))

    writer.array(named, per_topic)
    if version >= 2:
        writer.int16(ErrorCode.NONE)
    return writer


async def offset_delete(broker: Broker, request: Request) -> Writer:
    """Forget positions; only of a group without members, whose subscription is thus known."""
    body = request.body
    name = body.string()
    topics = body.array(lambda: (body.string(), body.array(body.int32)))
    group = broker.coordinator.get(name)
    writer = Writer()
    if group is None:
        writer.int16(ErrorCode.GROUP_ID_NOT_FOUND)
        writer.throttle_time(True)
        writer.array((), writer.int32)
        return writer
    busy = group.state is not GroupState.EMPTY
    error = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if busy else ErrorCode.NONE
    changes: list[Change] = [
        (name, topic, number, None) for topic, partitions in topics for number in partitions
    ]
    stored = ErrorCode.NONE
    if changes and not busy:
        stored = await broker.coordinator.commit(changes)
    writer.int16(stored)
    writer.throttle_time(True)
    errors: Errors = [(topic, [(number, error) for number in each]) for topic, each in topics]
    _write_errors(writer, errors, ErrorCode.NONE)
    return writer


def _write_errors(writer: Writer, errors: Errors, stored: ErrorCode) -> None:
    def partition(each: tuple[int, ErrorCode]) -> None:
        number, error = each
        writer.int32(number)
        writer.int16(error if error is not ErrorCode.NONE else stored)

    def per_topic(each: tuple[str, list[tuple[int, ErrorCode]]]) -> None:
        writer.string(each[0])
        writer.array(each[1], partition)

    writer.array(errors, per_topic)
