"""What the coordinator adds to the state machine: storage, and calls that meet."""

import asyncio
from pathlib import Path

import pytest

from deploy.embedded.broker.coordinator import Coordinator, committed_now
from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.flusher import Flusher
from deploy.embedded.broker.members import JoinRequest
from deploy.embedded.broker.offsets import OffsetStore

pytestmark = pytest.mark.asyncio

JOIN = JoinRequest("", "c", "h", 10.0, 3.0, "consumer", (("range", b""),), needs_given_id=False)


async def test_a_member_that_joins_while_its_group_is_deleted_keeps_its_place(
    tmp_path: Path,
) -> None:
    flusher = Flusher(0.0)
    offsets = OffsetStore(tmp_path / "offsets.log", flusher)
    coordinator = Coordinator(offsets, max_groups=10, retention_seconds=60.0)
    flushing = asyncio.create_task(flusher.run())
    await offsets.change([("g", "t", 0, committed_now(5, ""))])
    coordinator.load()
    deleting = asyncio.create_task(coordinator.delete("g"))
    await asyncio.sleep(0)
    member = await coordinator.join("g", JOIN)
    assert await deleting is ErrorCode.NONE
    assert coordinator.heartbeat("g", member.member_id, member.generation) is ErrorCode.NONE
    assert offsets.of("g") == {}
    coordinator.close()
    flusher.close()
    await flushing
