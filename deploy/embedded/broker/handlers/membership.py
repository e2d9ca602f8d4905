"""JoinGroup, SyncGroup, Heartbeat, LeaveGroup."""

from ..broker import Broker
from ..members import JoinRequest
from ..request import Request
from ..schema import Fields

_GIVES_ID_FIRST = 4  # the version from which a client knows KIP-394


async def join_group(broker: Broker, request: Request) -> Fields:
    """Join, and wait for the rebalance."""
    body = request.body
    rebalance_timeout_ms = body.rebalance_timeout_ms
    if rebalance_timeout_ms < 0:  # version 0 has none
        rebalance_timeout_ms = body.session_timeout_ms
    result = await broker.coordinator.join(
        body.group_id,
        JoinRequest(
            body.member_id,
            request.client_id,
            request.host,
            body.session_timeout_ms / 1000,
            rebalance_timeout_ms / 1000,
            body.protocol_type,
            tuple((each.name, bytes(each.metadata)) for each in body.protocols),
            needs_given_id=request.version >= _GIVES_ID_FIRST,
        ),
    )
    return {
        "error_code": result.error,
        "generation_id": result.generation,
        "protocol_name": result.protocol,
        "leader": result.leader,
        "member_id": result.member_id,
        "members": [
            {"member_id": member_id, "metadata": metadata} for member_id, metadata in result.members
        ],
    }


async def sync_group(broker: Broker, request: Request) -> Fields:
    """Bring or fetch the assignment."""
    body = request.body
    assignments = {each.member_id: bytes(each.assignment) for each in body.assignments}
    result = await broker.coordinator.sync(
        body.group_id, body.member_id, body.generation_id, assignments
    )
    return {"error_code": result.error, "assignment": result.assignment}


async def heartbeat(broker: Broker, request: Request) -> Fields:
    """A sign of life."""
    body = request.body
    error = broker.coordinator.heartbeat(body.group_id, body.member_id, body.generation_id)
    return {"error_code": error}


async def leave_group(broker: Broker, request: Request) -> Fields:
    """A member leaves."""
    error = broker.coordinator.leave(request.body.group_id, request.body.member_id)
    return {"error_code": error}
