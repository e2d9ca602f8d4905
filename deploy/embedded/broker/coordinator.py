"""The groups of this broker: gives the state machine its clock, its timers and its storage."""

import asyncio
import logging
import time
import uuid

from .errors import ErrorCode
from .groups import Group
from .members import GroupState, JoinRequest, JoinResult, SyncResult
from .offsets import Committed, OffsetStore

log = logging.getLogger(__name__)

MIN_SESSION_SECONDS = 6.0
MAX_SESSION_SECONDS = 1800.0


class Coordinator:
    """Finds, creates and expires groups; every call re-arms the timer of its group."""

    def __init__(self, offsets: OffsetStore, *, max_groups: int, retention_seconds: float) -> None:
        self.offsets = offsets
        self._max_groups = max_groups
        self._retention_seconds = retention_seconds
        self._groups: dict[str, Group] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def load(self) -> None:
        """Make the groups of the committed offsets known, without members. Before the start."""
        now = asyncio.get_running_loop().time()
        for name in self.offsets.groups():
            self._groups[name] = Group(name, _new_member_id, empty_since=now)

    def groups(self) -> list[Group]:
        """All groups, also those that only hold offsets."""
        return list(self._groups.values())

    def get(self, name: str) -> Group | None:
        """A group, if it exists."""
        return self._groups.get(name)

    async def join(self, name: str, request: JoinRequest) -> JoinResult:
        """Join a group; answers when the rebalance is complete."""
        if not name:
            return JoinResult(ErrorCode.INVALID_GROUP_ID, member_id=request.member_id)
        group = self._groups.get(name)
        if group is None and request.member_id:
            return JoinResult(ErrorCode.UNKNOWN_MEMBER_ID, member_id=request.member_id)
        if not MIN_SESSION_SECONDS <= request.session_timeout <= MAX_SESSION_SECONDS:
            return JoinResult(ErrorCode.INVALID_SESSION_TIMEOUT, member_id=request.member_id)
        if not request.protocols:
            return JoinResult(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, member_id=request.member_id)
        group = group or self._create(name)
        if group is None:
            return JoinResult(ErrorCode.POLICY_VIOLATION, member_id=request.member_id)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[JoinResult] = loop.create_future()
        group.join(request, loop.time(), lambda result: _give(answer, result))
        self._arm(group)
        return await answer

    async def sync(
        self, name: str, member_id: str, generation: int, assignments: dict[str, bytes]
    ) -> SyncResult:
        """Give or get the assignment; answers when the leader has given it."""
        group = self._groups.get(name)
        if group is None:
            return SyncResult(ErrorCode.UNKNOWN_MEMBER_ID)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[SyncResult] = loop.create_future()
        group.sync(
            member_id, generation, assignments, loop.time(), lambda result: _give(answer, result)
        )
        self._arm(group)
        return await answer

    def heartbeat(self, name: str, member_id: str, generation: int) -> ErrorCode:
        """A sign of life."""
        group = self._groups.get(name)
        if group is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return group.heartbeat(member_id, generation, _now())

    def leave(self, name: str, member_id: str) -> ErrorCode:
        """A member leaves."""
        group = self._groups.get(name)
        if group is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        error = group.leave(member_id, _now())
        self._arm(group)
        return error

    def may_commit(self, name: str, member_id: str, generation: int) -> ErrorCode:
        """Whether a commit is allowed; a group that only commits comes into being here."""
        group = self._groups.get(name)
        if group is None:
            if generation >= 0:
                return ErrorCode.ILLEGAL_GENERATION
            group = self._create(name)
            if group is None:
                return ErrorCode.POLICY_VIOLATION
        return group.may_commit(member_id, generation, _now())

    async def delete(self, name: str) -> ErrorCode:
        """Delete a group without members, offsets included."""
        group = self._groups.get(name)
        if group is None:
            return ErrorCode.GROUP_ID_NOT_FOUND
        if group.state is not GroupState.EMPTY:
            return ErrorCode.NON_EMPTY_GROUP
        self._drop(name)  # at once: who joins or commits meanwhile makes a new group
        error = await asyncio.shield(self.offsets.forget(lambda held, _: held == name))
        if error is not ErrorCode.NONE:
            self._groups.setdefault(name, group)
        return error

    async def expire(self, wall_ms: int) -> None:
        """Forget groups without members whose last commit is older than the retention."""
        oldest_ms = wall_ms - int(self._retention_seconds * 1000)
        for name, group in list(self._groups.items()):
            if group.state is not GroupState.EMPTY:
                continue
            if _now() - group.empty_since < min(self._retention_seconds, 3600):
                continue
            if all(each.committed_ms < oldest_ms for each in self.offsets.of(name).values()):
                await self.delete(name)

    def close(self) -> None:
        """Stop the timers."""
        for timer in self._timers.values():
            timer.cancel()

    def _create(self, name: str) -> Group | None:
        if len(self._groups) >= self._max_groups:
            log.warning("group %r refused: %d groups exist", name, len(self._groups))
            return None
        group = Group(name, _new_member_id, empty_since=_now())
        self._groups[name] = group
        return group

    def _drop(self, name: str) -> None:
        self._groups.pop(name, None)
        self._disarm(name)

    def _arm(self, group: Group) -> None:
        self._disarm(group.name)
        deadline = group.deadline()
        if deadline != float("inf"):
            loop = asyncio.get_running_loop()
            self._timers[group.name] = loop.call_at(deadline, self._tick, group)

    def _disarm(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _tick(self, group: Group) -> None:
        group.tick(_now())
        self._arm(group)


def committed_now(offset: int, metadata: str) -> Committed:
    """A commit stamped with the wall clock."""
    return Committed(offset, metadata, int(time.time() * 1000))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _new_member_id(prefix: str) -> str:
    return f"{prefix or 'member'}-{uuid.uuid4()}"


def _give(
    answer: "asyncio.Future[JoinResult] | asyncio.Future[SyncResult]", result: object
) -> None:
    if not answer.done():
        answer.set_result(result)  # type: ignore[arg-type]
