"""DescribeGroups 0–4, ListGroups 0–2, DeleteGroups 0–1."""

from ..broker import Broker
from ..errors import ErrorCode
from ..groups import Group
from ..members import GroupState, Member
from ..request import Request
from ..wire import Writer

_NO_AUTHORIZATION = -(2**31)


async def describe_groups(broker: Broker, request: Request) -> Writer:
    """State and members of groups; a group that does not exist is Dead."""
    version = request.version
    names = request.body.array(request.body.string)
    writer = Writer()
    writer.throttle_time(version >= 1)

    def describe(name: str) -> None:
        group = broker.coordinator.get(name) or Group(name, str)
        dead = broker.coordinator.get(name) is None
        stable = group.state is GroupState.STABLE
        writer.int16(ErrorCode.NONE)
        writer.string(name)
        writer.string("Dead" if dead else group.state.value)
        writer.string(group.protocol_type)
        writer.string(group.protocol if stable else "")
        writer.array(group.members.values(), lambda each: _member(writer, group, each, version))
        if version >= 3:
            writer.int32(_NO_AUTHORIZATION)

    writer.array(names, describe)
    return writer


async def list_groups(broker: Broker, request: Request) -> Writer:
    """All groups."""
    writer = Writer()
    writer.throttle_time(request.version >= 1)
    writer.int16(ErrorCode.NONE)

    def describe(group: Group) -> None:
        writer.string(group.name)
        writer.string(group.protocol_type)

    writer.array(broker.coordinator.groups(), describe)
    return writer


async def delete_groups(broker: Broker, request: Request) -> Writer:
    """Delete groups without members, their offsets included."""
    names = request.body.array(request.body.string)
    deleted = [(name, await broker.coordinator.delete(name)) for name in names]
    writer = Writer()
    writer.throttle_time(True)

    def describe(each: tuple[str, ErrorCode]) -> None:
        writer.string(each[0])
        writer.int16(each[1])

    writer.array(deleted, describe)
    return writer


def _member(writer: Writer, group: Group, member: Member, version: int) -> None:
    stable = group.state is GroupState.STABLE
    writer.string(member.member_id)
    if version >= 4:
        writer.string(member.request.instance_id)
    writer.string(member.request.client_id)
    writer.string(f"/{member.request.host}")
    writer.data(member.metadata(group.protocol) if stable else b"")
    writer.data(member.assignment if stable else b"")
