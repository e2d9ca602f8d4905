"""DescribeGroups, ListGroups, DeleteGroups."""

from ..broker import Broker
from ..groups import Group
from ..members import GroupState
from ..request import Request
from ..schema import Fields


async def describe_groups(broker: Broker, request: Request) -> Fields:
    """State and members of groups; a group that does not exist is Dead."""
    return {"groups": [_description(broker, name) for name in request.body.groups]}


async def list_groups(broker: Broker, _request: Request) -> Fields:
    """All groups."""
    groups = broker.coordinator.groups()
    return {
        "groups": [
            {"group_id": group.name, "protocol_type": group.protocol_type} for group in groups
        ]
    }


async def delete_groups(broker: Broker, request: Request) -> Fields:
    """Delete groups without members, their offsets included."""
    return {
        "results": [
            {"group_id": name, "error_code": await broker.coordinator.delete(name)}
            for name in request.body.groups
        ]
    }


def _description(broker: Broker, name: str) -> Fields:
    group = broker.coordinator.get(name)
    if group is None:
        return {"group_id": name, "state": "Dead"}
    stable = group.state is GroupState.STABLE
    return {
        "group_id": name,
        "state": group.state.value,
        "protocol_type": group.protocol_type,
        "protocol_data": group.protocol if stable else "",
        "members": _members(group, stable),
    }


def _members(group: Group, stable: bool) -> list[Fields]:
    return [
        {
            "member_id": member.member_id,
            "client_id": member.request.client_id,
            "client_host": f"/{member.request.host}",
            "metadata": member.metadata(group.protocol) if stable else b"",
            "assignment": member.assignment if stable else b"",
        }
        for member in group.members.values()
    ]
