"""The group state machine: Kafka's answers, and invariants under any order of calls."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.groups import Group
from deploy.embedded.broker.members import GroupState, JoinRequest, JoinResult, SyncResult

NONE = ErrorCode.NONE


def new_group(max_members: int = 1000) -> Group:
    numbers = iter(range(1, 10_000))
    return Group("g", lambda prefix: f"{prefix}-{next(numbers)}", max_members)


def request(member: str = "", *, given: bool = False, protocol: str = "range") -> JoinRequest:
    protocols = ((protocol, b"meta"),)
    return JoinRequest(member, "c", "h", 10.0, 3.0, "consumer", protocols, given)


def joined(group: Group, ask: JoinRequest, now: float = 0.0) -> JoinResult:
    answers: list[JoinResult] = []
    group.join(ask, now, answers.append)
    assert len(answers) == 1, "the join is still waiting"
    return answers[0]


def waiting(group: Group, ask: JoinRequest, now: float = 0.0) -> list[JoinResult]:
    answers: list[JoinResult] = []
    group.join(ask, now, answers.append)
    assert not answers
    return answers


def stable(group: Group) -> JoinResult:
    leader = joined(group, request())
    synced: list[SyncResult] = []
    assignments = {leader.member_id: b"all"}
    group.sync(leader.member_id, leader.generation, assignments, 0.0, synced.append)
    assert synced == [SyncResult(NONE, b"all")]
    return leader


def test_a_first_member_leads_generation_one() -> None:
    group = new_group()
    leader = stable(group)
    assert (leader.generation, leader.leader) == (1, leader.member_id)
    assert group.state is GroupState.STABLE


def test_a_second_member_makes_the_first_join_again() -> None:
    group = new_group()
    first = stable(group)
    second = waiting(group, request())
    rebalancing = group.heartbeat(first.member_id, 1, 1.0)
    assert rebalancing is ErrorCode.REBALANCE_IN_PROGRESS
    again = joined(group, request(first.member_id), 1.0)
    assert (again.generation, len(again.members)) == (2, 2)
    assert second[0].leader == first.member_id
    assert second[0].members == ()


def test_a_silent_member_is_dropped_after_the_rebalance_timeout() -> None:
    group = new_group()
    first = stable(group)
    second = waiting(group, request(), 1.0)
    group.tick(3.9)
    assert not second
    group.tick(4.0)
    assert second[0].leader == second[0].member_id
    assert group.heartbeat(first.member_id, 1, 4.0) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_expires_without_heartbeats() -> None:
    group = new_group()
    leader = stable(group)
    assert group.heartbeat(leader.member_id, 1, 5.0) is NONE
    group.tick(14.9)
    assert group.members
    group.tick(15.0)
    assert group.state is GroupState.EMPTY


def test_a_member_that_waits_for_its_assignment_does_not_expire() -> None:
    group = new_group()
    patient = ((("range", b"meta"),),)
    leader, follower = (
        JoinRequest(name, "c", "h", 6.0, 60.0, "consumer", *patient, False) for name in ("", "")
    )
    first = joined(group, leader)
    second = waiting(group, follower)
    joined(group, leader._replace(member_id=first.member_id))
    synced: list[SyncResult] = []
    group.sync(second[0].member_id, 2, {}, 0.0, synced.append)
    for now in (5.0, 10.0):
        assert group.heartbeat(first.member_id, 2, now) is NONE
        group.tick(now)
    group.sync(first.member_id, 2, {second[0].member_id: b"its"}, 10.0, lambda _: None)
    assert synced == [SyncResult(NONE, b"its")]


def test_commits_follow_membership_and_generation() -> None:
    group = new_group()
    assert group.may_commit("", -1, 0.0) is NONE
    leader = joined(group, request())
    completing = group.may_commit(leader.member_id, 1, 0.0)
    assert completing is ErrorCode.REBALANCE_IN_PROGRESS
    group.sync(leader.member_id, 1, {}, 0.0, lambda _: None)
    assert group.may_commit(leader.member_id, 1, 0.0) is NONE
    assert group.may_commit(leader.member_id, 0, 0.0) is ErrorCode.ILLEGAL_GENERATION
    assert group.may_commit("", -1, 0.0) is ErrorCode.UNKNOWN_MEMBER_ID


def test_an_id_is_given_first_when_the_client_knows_how() -> None:
    group = new_group()
    given = joined(group, request(given=True))
    assert given.error is ErrorCode.MEMBER_ID_REQUIRED
    assert joined(group, request(given.member_id)).error is NONE


def test_no_common_protocol_and_a_full_group_are_refused() -> None:
    group = new_group(max_members=1)
    stable(group)
    other = joined(group, request(protocol="roundrobin"))
    assert other.error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert joined(group, request()).error is ErrorCode.GROUP_MAX_SIZE_REACHED


class AnyOrder(RuleBasedStateMachine):
    """Clients join, sync, beat, leave and fall silent in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.group = new_group()
        self.now = 0.0
        self.joins: list[tuple[float, list[JoinResult]]] = []
        self.generation = 0

    def _join(self, ask: JoinRequest) -> None:
        answers: list[JoinResult] = []
        self.joins.append((self.now, answers))
        self.group.join(ask, self.now, answers.append)

    @rule(given=st.booleans())
    def somebody_joins(self, given: bool) -> None:
        self._join(request(given=given))

    @precondition(lambda self: self.group.members)
    @rule(choice=st.integers(0, 10))
    def a_member_joins_again(self, choice: int) -> None:
        member = list(self.group.members.values())[choice % len(self.group.members)]
        self._join(request(member.member_id))

    @precondition(lambda self: self.group.members)
    @rule(choice=st.integers(0, 10))
    def a_member_syncs(self, choice: int) -> None:
        member = list(self.group.members.values())[choice % len(self.group.members)]
        assignments = dict.fromkeys(self.group.members, b"x")
        self.group.sync(
            member.member_id,
            self.group.generation,
            assignments,
            self.now,
            lambda _: None,
        )

    @precondition(lambda self: self.group.members)
    @rule(choice=st.integers(0, 10))
    def a_member_leaves(self, choice: int) -> None:
        member_id = list(self.group.members)[choice % len(self.group.members)]
        assert self.group.leave(member_id, self.now) is NONE

    @rule(seconds=st.floats(0.1, 12.0))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.group.deadline()) <= end:
            self.now = max(deadline, self.now)
            self.group.tick(self.now)
        self.now = end

    @invariant()
    def the_generation_never_goes_back(self) -> None:
        assert self.group.generation >= self.generation
        self.generation = self.group.generation

    @invariant()
    def nobody_waits_beyond_the_rebalance_timeout(self) -> None:
        self.joins = [(since, answers) for since, answers in self.joins if not answers]
        # A rebalance that began before the join ends within its own timeout of 3 s.
        assert all(self.now - since <= 3.0 + 1e-6 for since, _ in self.joins)

    @invariant()
    def state_and_members_agree(self) -> None:
        group = self.group
        if group.state is GroupState.EMPTY:
            assert not group.members
        else:
            assert group.members or group.state is GroupState.PREPARING
        if group.state in (GroupState.STABLE, GroupState.COMPLETING):
            assert group.leader in group.members
        if group.state is GroupState.STABLE:
            assert all(not each.joined and not each.synced for each in group.members.values())


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase
