"""OffsetCommit, OffsetFetch, OffsetDelete."""

import asyncio
from collections.abc import Callable
from typing import Any

from ..broker import Broker
from ..coordinator import committed_now
from ..errors import ErrorCode, KafkaError
from ..members import GroupState
from ..offsets import Change
from ..request import Request
from ..schema import Fields

MAX_METADATA_BYTES = 4096


async def offset_commit(broker: Broker, request: Request) -> Fields:
    """Make positions of a group durable, then answer."""
    body = request.body
    refusal = broker.coordinator.may_commit(body.group_id, body.member_id, body.generation_id)
    changes: list[Change] = []
    errors: dict[tuple[str, int], ErrorCode] = {}
    for topic in body.topics:
        for each in topic.partitions:
            error = refusal or _refusal(broker, topic.name, each)
            if not error:
                committed = committed_now(each.offset, each.metadata or "")
                changes.append((body.group_id, topic.name, each.index, committed))
            errors[topic.name, each.index] = error
    stored = await asyncio.shield(broker.offsets.change(changes)) if changes else ErrorCode.NONE
    return {
        "topics": _by_topic(
            body.topics,
            lambda topic, each: {
                "index": each.index,
                "error_code": errors[topic, each.index] or stored,
            },
        )
    }


async def offset_fetch(broker: Broker, request: Request) -> Fields:
    """The committed positions; of all partitions when none are named."""
    committed = broker.offsets.of(request.body.group_id)
    if request.body.topics is not None:
        named = {each.name: each.partitions for each in request.body.topics}
    else:
        named = {}
        for topic, partition in committed:
            named.setdefault(topic, []).append(partition)

    def position(topic: str, partition: int) -> Fields:
        found = committed.get((topic, partition))
        if found is None:
            return {"index": partition}
        return {"index": partition, "offset": found.offset, "metadata": found.metadata}

    return {
        "topics": [
            {"name": topic, "partitions": [position(topic, each) for each in partitions]}
            for topic, partitions in named.items()
        ]
    }


async def offset_delete(broker: Broker, request: Request) -> Fields:
    """Forget positions; only of a group without members, whose subscription is thus known."""
    body = request.body
    group = broker.coordinator.get(body.group_id)
    if group is None:
        return {"error_code": ErrorCode.GROUP_ID_NOT_FOUND}
    named = {(topic.name, each) for topic in body.topics for each in topic.partitions}
    errors = {key: _missing(broker, *key) for key in named}
    stored = ErrorCode.NONE
    if group.state is not GroupState.EMPTY:
        errors = {
            key: error or ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC for key, error in errors.items()
        }
    else:
        changes: list[Change] = [
            (group.name, *key, None) for key, error in errors.items() if not error
        ]
        stored = await asyncio.shield(broker.offsets.change(changes))
    return {
        "error_code": stored,
        "topics": _by_topic(
            body.topics, lambda topic, each: {"index": each, "error_code": errors[topic, each]}
        ),
    }


def _refusal(broker: Broker, topic: str, position: Any) -> ErrorCode:
    if len(position.metadata or "") > MAX_METADATA_BYTES:
        return ErrorCode.OFFSET_METADATA_TOO_LARGE
    return _missing(broker, topic, position.index)


def _missing(broker: Broker, topic: str, partition: int) -> ErrorCode:
    try:
        broker.topics.partition(topic, partition)
    except KafkaError as error:
        return error.code
    return ErrorCode.NONE


def _by_topic(topics: list[Any], answer: Callable[[str, Any], Fields]) -> list[Fields]:
    return [
        {
            "name": topic.name,
            "partitions": [answer(topic.name, partition) for partition in topic.partitions],
        }
        for topic in topics
    ]
