"""JoinGroup 0–5, SyncGroup 0–3, Heartbeat 0–3, LeaveGroup 0–3."""

from ..broker import Broker
from ..errors import ErrorCode
from ..members import JoinRequest
from ..request import Request
from ..wire import Writer


async def join_group(broker: Broker, request: Request) -> Writer:
    """Join, and wait for the rebalance."""
    body, version = request.body, request.version
    group = body.string()
    session_timeout = body.int32() / 1000
    rebalance_timeout = body.int32() / 1000 if version >= 1 else session_timeout
    member_id = body.string()
    instance_id = body.nullable_string() if version >= 5 else None
    protocol_type = body.string()
    protocols = body.array(lambda: (body.string(), bytes(body.data())))
    result = await broker.coordinator.join(
        group,
        JoinRequest(
            member_id,
            instance_id,
            request.client_id,
            request.host,
            session_timeout,
            max(rebalance_timeout, 0.0),
            protocol_type,
            tuple(protocols),
            needs_given_id=version >= 4,
        ),
    )
    writer = Writer()
    writer.throttle_time(version >= 2)
    writer.int16(result.error)
    writer.int32(result.generation)
    writer.string(result.protocol)
    writer.string(result.leader)
    writer.string(result.member_id)

    def member(each: tuple[str, str | None, bytes]) -> None:
        writer.string(each[0])
        if version >= 5:
            writer.string(each[1])
        writer.data(each[2])

    writer.array(result.members, member)
    return writer


async def sync_group(broker: Broker, request: Request) -> Writer:
    """Bring or fetch the assignment."""
    body, version = request.body, request.version
    group, generation, member_id = body.string(), body.int32(), body.string()
    instance_id = body.nullable_string() if version >= 3 else None
    assignments = dict(body.array(lambda: (body.string(), bytes(body.data()))))
    result = await broker.coordinator.sync(group, member_id, instance_id, generation, assignments)
    writer = Writer()
    writer.throttle_time(version >= 1)
    writer.int16(result.error)
    writer.data(result.assignment)
    return writer


async def heartbeat(broker: Broker, request: Request) -> Writer:
    """A sign of life."""
    body, version = request.body, request.version
    group, generation, member_id = body.string(), body.int32(), body.string()
    instance_id = body.nullable_string() if version >= 3 else None
    writer = Writer()
    writer.throttle_time(version >= 1)
    writer.int16(broker.coordinator.heartbeat(group, member_id, instance_id, generation))
    return writer


async def leave_group(broker: Broker, request: Request) -> Writer:
    """One member leaves, or several from version 3 on."""
    body, version = request.body, request.version
    group = body.string()
    writer = Writer()
    writer.throttle_time(version >= 1)
    if version < 3:
        writer.int16(broker.coordinator.leave(group, body.string(), None))
        return writer
    leaving = body.array(lambda: (body.string(), body.nullable_string()))
    writer.int16(ErrorCode.NONE)

    def member(each: tuple[str, str | None]) -> None:
        member_id, instance_id = each
        writer.string(member_id)
        writer.string(instance_id)
        writer.int16(broker.coordinator.leave(group, member_id, instance_id))

    writer.array(leaving, member)
    return writer
