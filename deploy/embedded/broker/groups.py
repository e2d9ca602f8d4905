"""The consumer group protocol (KIP-62, KIP-394) as a state machine: pure, no clock.

    Empty ──join──► PreparingRebalance ──all joined──► CompletingRebalance ──leader syncs──► Stable
      ▲                   ▲   ▲                              │                                 │
      └──last one leaves──┘   └──────── join, leave, expiry ─┴─────────────────────────────────┘

Time comes in as an argument (seconds); ``deadline`` says when ``tick`` wants to be called. Answers
that must wait (a join, a sync) are given through the ``reply`` function that came with the call.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .errors import ErrorCode
from .members import (
    GroupState,
    JoinReply,
    JoinRequest,
    JoinResult,
    Member,
    SyncReply,
    SyncResult,
)

_NEVER = float("inf")


@dataclass
class Group:
    """One consumer group. ``new_id`` makes member ids from client ids."""

    name: str
    new_id: Callable[[str], str]
    max_members: int = 1000
    generation: int = 0
    state: GroupState = GroupState.EMPTY
    protocol_type: str = ""
    protocol: str = ""
    leader: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    empty_since: float = 0.0
    _given: dict[str, float] = field(default_factory=dict)
    _rebalance_ends: float = _NEVER

    # -- requests --

    def join(self, request: JoinRequest, now: float, reply: JoinReply) -> None:
        """A member joins or joins again; ``reply`` may be called later."""
        refusal = self._refusal(request)
        if refusal is not None:
            reply(JoinResult(refusal, member_id=request.member_id))
            return
        if not request.member_id:
            self._join_new(request, now, reply)
            return
        member = self.members.get(request.member_id)
        if member is None:
            del self._given[request.member_id]
            self._admit(request.member_id, request, now, reply)
        else:
            self._join_again(member, request, now, reply)

    def sync(
        self,
        member_id: str,
        generation: int,
        assignments: Mapping[str, bytes],
        now: float,
        reply: SyncReply,
    ) -> None:
        """A member asks for its assignment; the leader brings those of all."""
        error = self._check(member_id, generation)
        if error is ErrorCode.NONE and self.state is GroupState.PREPARING:
            error = ErrorCode.REBALANCE_IN_PROGRESS
        if error is not ErrorCode.NONE:
            reply(SyncResult(error))
            return
        member = self.members[member_id]
        member.renew(now)
        if self.state is GroupState.STABLE:
            reply(SyncResult(ErrorCode.NONE, member.assignment))
            return
        member.synced = reply
        if member_id == self.leader:
            self._stabilize(assignments, now)

    def heartbeat(self, member_id: str, generation: int, now: float) -> ErrorCode:
        """A member says that it lives."""
        error = self._check(member_id, generation)
        if error is not ErrorCode.NONE:
            return error
        self.members[member_id].renew(now)
        if self.state is GroupState.PREPARING:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def leave(self, member_id: str, now: float) -> ErrorCode:
        """A member leaves for good."""
        if self._given.pop(member_id, None) is not None:
            self._complete_if_all_joined(now)
            return ErrorCode.NONE
        if member_id not in self.members:
            return ErrorCode.UNKNOWN_MEMBER_ID
        self._remove([self.members[member_id]])
        self._membership_shrank(now)
        return ErrorCode.NONE

    def may_commit(self, member_id: str, generation: int, now: float) -> ErrorCode:
        """Whether an offset commit is allowed; generation -1 is a commit from outside a group."""
        if generation < 0 and not member_id and self.state is GroupState.EMPTY:
            return ErrorCode.NONE
        error = self._check(member_id, generation)
        if error is not ErrorCode.NONE:
            return error
        if self.state is GroupState.COMPLETING:
            return ErrorCode.REBALANCE_IN_PROGRESS
        self.members[member_id].renew(now)
        return ErrorCode.NONE

    # -- time --

    def deadline(self) -> float:
        """When ``tick`` has something to do; infinity if never."""
        waits = [member.expires for member in self.members.values() if not member.waits]
        return min([self._rebalance_ends, *waits, *self._given.values()])

    def tick(self, now: float) -> None:
        """Drop silent members, and end a rebalance that has taken too long."""
        self._given = {key: until for key, until in self._given.items() if until > now}
        silent = [each for each in self.members.values() if not each.waits and each.expires <= now]
        if silent:
            self._remove(silent)
            self._membership_shrank(now)
        if self._rebalance_ends <= now:
            self._end_of_patience(now)
        else:
            self._complete_if_all_joined(now)

    # -- joining --

    def _refusal(self, request: JoinRequest) -> ErrorCode | None:
        joining = request.member_id not in self.members
        if request.member_id and joining and request.member_id not in self._given:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if not request.protocol_type or not request.protocols:
            return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        others = [each for each in self.members.values() if each.member_id != request.member_id]
        if others:
            names = {name for name, _ in request.protocols}
            if request.protocol_type != self.protocol_type or not names & _common(others):
                return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        is_new = not request.member_id
        if is_new and len(self.members) + len(self._given) >= self.max_members:
            return ErrorCode.GROUP_MAX_SIZE_REACHED
        return None

    def _join_new(self, request: JoinRequest, now: float, reply: JoinReply) -> None:
        member_id = self.new_id(request.client_id)
        if request.needs_given_id:
            self._given[member_id] = now + request.session_timeout
            reply(JoinResult(ErrorCode.MEMBER_ID_REQUIRED, member_id=member_id))
        else:
            self._admit(member_id, request, now, reply)

    def _admit(self, member_id: str, request: JoinRequest, now: float, reply: JoinReply) -> None:
        member = Member(member_id, request, now + request.session_timeout, joined=reply)
        self.members[member_id] = member
        self.protocol_type = request.protocol_type
        self._prepare(now)

    def _join_again(
        self, member: Member, request: JoinRequest, now: float, reply: JoinReply
    ) -> None:
        changed = member.request.protocols != request.protocols
        member.request = request
        member.renew(now)
        is_leader = member.member_id == self.leader
        current = self.state is GroupState.COMPLETING or (
            self.state is GroupState.STABLE and not is_leader
        )
        if current and not changed:
            reply(self._joined(member))
            return
        if member.joined is not None:
            member.joined(JoinResult(ErrorCode.UNKNOWN_MEMBER_ID, member_id=member.member_id))
        member.joined = reply
        self._prepare(now)

    # -- transitions --

    def _prepare(self, now: float) -> None:
        if self.state is not GroupState.PREPARING:
            self.state = GroupState.PREPARING
            patience = max(member.request.rebalance_timeout for member in self.members.values())
            self._rebalance_ends = now + patience
            for member in self.members.values():
                if member.synced is not None:
                    member.synced(SyncResult(ErrorCode.REBALANCE_IN_PROGRESS))
                    member.synced = None
        self._complete_if_all_joined(now)

    def _complete_if_all_joined(self, now: float) -> None:
        if self.state is not GroupState.PREPARING or self._given:
            return
        if all(member.joined is not None for member in self.members.values()):
            self._complete(now)

    def _complete(self, now: float) -> None:
        self.generation += 1
        if not self.members:
            self._become_empty(now)
            return
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        self.protocol = self._elected()
        self.state = GroupState.COMPLETING
        patience = max(member.request.rebalance_timeout for member in self.members.values())
        self._rebalance_ends = now + patience
        for member in list(self.members.values()):
            member.renew(now)
            member.assignment = b""
            reply, member.joined = member.joined, None
            if reply is not None:
                reply(self._joined(member))

    def _stabilize(self, assignments: Mapping[str, bytes], now: float) -> None:
        self.state = GroupState.STABLE
        self._rebalance_ends = _NEVER
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
        for member in self.members.values():
            reply, member.synced = member.synced, None
            if reply is not None:
                member.renew(now)
                reply(SyncResult(ErrorCode.NONE, member.assignment))

    def _end_of_patience(self, now: float) -> None:
        """Go on without the members that did not join (or sync) in time."""
        preparing = self.state is GroupState.PREPARING
        self._rebalance_ends = _NEVER
        self._given.clear()
        members = self.members.values()
        self._remove([each for each in members if not (each.joined if preparing else each.synced)])
        if preparing:
            self._complete(now)
        else:
            self._membership_shrank(now)

    def _membership_shrank(self, now: float) -> None:
        if self.members:
            self._prepare(now)
        else:
            self.generation += 1
            self._become_empty(now)

    def _become_empty(self, now: float) -> None:
        self.state = GroupState.EMPTY
        self.protocol = self.leader = ""
        self.empty_since = now
        self._rebalance_ends = _NEVER

    def _remove(self, members: list[Member]) -> None:
        for member in members:
            del self.members[member.member_id]
            member.dismiss()

    # -- answers --

    def _check(self, member_id: str, generation: int) -> ErrorCode:
        if member_id not in self.members:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if generation != self.generation:
            return ErrorCode.ILLEGAL_GENERATION
        return ErrorCode.NONE

    def _joined(self, member: Member) -> JoinResult:
        members: tuple[tuple[str, bytes], ...] = ()
        if member.member_id == self.leader:
            members = tuple(
                (each.member_id, each.metadata(self.protocol)) for each in self.members.values()
            )
        return JoinResult(
            ErrorCode.NONE, self.generation, self.protocol, self.leader, member.member_id, members
        )

    def _elected(self) -> str:
        """The protocol that most members prefer among those that all support."""
        candidates = _common(self.members.values())
        votes: dict[str, int] = {}
        for member in self.members.values():
            choice = next(name for name, _ in member.request.protocols if name in candidates)
            votes[choice] = votes.get(choice, 0) + 1
        return max(votes, key=lambda name: votes[name])


def _common(members: Iterable[Member]) -> set[str]:
    return set.intersection(*({name for name, _ in each.request.protocols} for each in members))
