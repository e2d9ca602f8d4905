"""A commit a second for a week stays a history of at most 400 snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lake.table_state import TableState
from shared.lake.thinning import TAG_PREFIX, ThinningPlan, ThinningPolicy, hour_tag, lasting, plan

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
NOW = 1_767_225_600_000 + 12 * HOUR  # 2026-01-01, noon
POLICY = ThinningPolicy()


@dataclass(frozen=True)
class Snap:
    """What the plan reads of a snapshot."""

    snapshot_id: int
    timestamp_ms: int
    foreign: bool = False
    parent_snapshot_id: int | None = None

    @property
    def summary(self) -> dict[str, str]:
        return {} if self.foreign else {"bergline.format": "1"}

    @property
    def sequence_number(self) -> int:
        return self.snapshot_id


@dataclass(frozen=True)
class Ref:
    """What the plan reads of a branch or tag."""

    snapshot_id: int


@dataclass
class History:
    """What the plan reads of a table, and what a catalog does with a plan."""

    snapshots: list[Snap] = field(default_factory=list)
    refs: dict[str, Ref] = field(default_factory=dict)

    @classmethod
    def of(cls, timestamps: Iterable[int]) -> History:
        history = cls()
        for timestamp in timestamps:
            history.commit(timestamp)
        return history

    def current_snapshot(self) -> Snap | None:
        head = self.refs.get("main")
        return (
            None
            if head is None
            else next(s for s in self.snapshots if s.snapshot_id == head.snapshot_id)
        )

    def snapshot_by_id(self, snapshot_id: int) -> Snap | None:
        return next((s for s in self.snapshots if s.snapshot_id == snapshot_id), None)

    def commit(self, timestamp: int, *, foreign: bool = False) -> None:
        number = self.snapshots[-1].snapshot_id + 1 if self.snapshots else 1
        head = self.refs.get("main")
        parent = None if head is None else head.snapshot_id
        self.snapshots.append(Snap(number, timestamp, foreign, parent))
        self.refs["main"] = Ref(number)

    def apply(self, thinning: ThinningPlan) -> None:
        """In the order in which a commit carries it: tags, untags, removals."""
        known = {s.snapshot_id for s in self.snapshots}
        for name, snapshot_id in thinning.tag:
            assert snapshot_id in known
            self.refs[name] = Ref(snapshot_id)
        for name in thinning.untag:
            del self.refs[name]
        removed = set(thinning.remove)
        assert removed <= known
        assert not removed & {ref.snapshot_id for ref in self.refs.values()}, "a ref would dangle"
        self.snapshots = [s for s in self.snapshots if s.snapshot_id not in removed]

    def thin(
        self,
        now: int = NOW,
        policy: ThinningPolicy = POLICY,
        pinned: Sequence[int] = (),
        announced: int | None = None,
    ) -> ThinningPlan:
        return plan(cast("TableState", self), now, policy, pinned=pinned, announced=announced)

    @property
    def ids(self) -> set[int]:
        return {s.snapshot_id for s in self.snapshots}

    @property
    def hour_tags(self) -> dict[str, int]:
        return {
            name: ref.snapshot_id for name, ref in self.refs.items() if name.startswith(TAG_PREFIX)
        }


def thinned(history: History, **options: object) -> History:
    """All that a plan wants, however many commits it takes."""
    while (wanted := history.thin(**options)).remove:  # type: ignore[arg-type]
        history.apply(wanted)
    history.apply(wanted)
    return history


def test_a_table_without_snapshots_needs_no_plan() -> None:
    assert History().thin() == ThinningPlan()


class TestGrains:
    def test_every_snapshot_of_two_minutes_is_kept(self) -> None:
        history = History.of(NOW - age * SECOND for age in range(119, -1, -1))
        assert not history.thin().remove

    def test_then_the_last_of_each_minute_for_an_hour(self) -> None:
        history = thinned(History.of(NOW - age * SECOND for age in range(1_801, -1, -1)))
        ages = (NOW - s.timestamp_ms for s in history.snapshots)
        assert 10 * MINUTE in ages, "the head of ten minutes ago"
        old = [
            s
            for s in history.snapshots
            if NOW - s.timestamp_ms >= 2 * MINUTE and NOW - s.timestamp_ms != 10 * MINUTE
        ]
        assert {s.timestamp_ms % MINUTE for s in old} == {59 * SECOND}
        assert len({s.timestamp_ms // MINUTE for s in old}) == len(old) == 29

    def test_then_the_last_of_each_hour_for_a_week(self) -> None:
        history = thinned(History.of(NOW - age * MINUTE for age in range(3 * 1_440, -1, -1)))
        old = [s for s in history.snapshots if NOW - s.timestamp_ms >= HOUR]
        assert [s.timestamp_ms % HOUR for s in old[:-1]] == [59 * MINUTE] * (len(old) - 1)

    def test_then_nothing(self) -> None:
        history = thinned(History.of([NOW - 8 * DAY, NOW - 7 * DAY - 1, NOW - 7 * DAY + 1, NOW]))
        assert history.ids == {3, 4}

    def test_a_foreign_snapshot_keeps_what_says_where_the_table_stood(self) -> None:
        """Rolled back to it, a table without positions could not be consumed."""
        history = History.of([NOW - 50 * MINUTE, NOW - 40 * MINUTE - 3, NOW - 40 * MINUTE - 2])
        history.commit(NOW - 40 * MINUTE - 1, foreign=True)
        history.commit(NOW - 40 * MINUTE, foreign=True)
        history.commit(NOW)
        assert thinned(history).ids == {1, 3, 4, 5, 6}

    def test_removals_of_one_commit_are_bounded(self) -> None:
        history = History.of(range(NOW - 20 * MINUTE, NOW - 10 * MINUTE, SECOND))
        history.commit(NOW)
        assert len(history.thin().remove) == POLICY.max_removals
        assert history.thin().remove[0] == 1, "the oldest first"


class TestTags:
    def test_every_whole_hour_is_tagged_at_its_last_snapshot(self) -> None:
        history = thinned(History.of(range(NOW - 3 * HOUR, NOW + 1, 10 * MINUTE)))
        assert history.hour_tags == {
            hour_tag(NOW - 3 * HOUR): 6,
            hour_tag(NOW - 2 * HOUR): 12,
            hour_tag(NOW - HOUR): 18,
        }

    def test_the_name_is_the_hour_in_utc(self) -> None:
        assert hour_tag(NOW) == "bergline-hour-2026010112"
        assert hour_tag(NOW + HOUR - 1) == hour_tag(NOW)

    def test_after_a_week_the_tag_goes_together_with_its_snapshot(self) -> None:
        history = thinned(History.of([NOW - HOUR, NOW]))
        later = NOW + 7 * DAY - MINUTE
        history.commit(later)
        wanted = history.thin(later)
        assert (wanted.untag, wanted.remove) == ((hour_tag(NOW - HOUR),), (1,))
        history.apply(wanted)
        assert history.ids == {2, 3}

    def test_tags_of_others_are_neither_moved_nor_removed(self) -> None:
        history = History.of([NOW - 30 * DAY, NOW])
        history.refs["audit-2025"] = Ref(1)
        wanted = history.thin()
        assert "audit-2025" not in wanted.untag
        assert not wanted.remove


class TestKept:
    @pytest.fixture
    def old(self) -> History:
        """Ten snapshots of long ago and a head that has stood for ten minutes."""
        old = range(NOW - 9 * DAY, NOW - 9 * DAY + 10 * SECOND, SECOND)
        return History.of([*old, NOW - 10 * MINUTE])

    def test_the_head_whatever_its_age(self) -> None:
        history = History.of([NOW - 30 * DAY])
        assert not history.thin().remove

    def test_a_head_that_was_rolled_back(self, old: History) -> None:
        old.refs["main"] = Ref(4)
        assert 4 in thinned(old).ids

    def test_what_readers_have_recorded_for_a_day(self) -> None:
        hour = NOW - DAY
        history = History.of([*range(hour - MINUTE, hour + MINUTE, SECOND), NOW])
        assert thinned(history, pinned=[10, 70, 80, 999]).ids == {
            *(60, 120, 121),
            *(70, 71, 80, 81),  # each with the one that superseded it
        }

    def test_what_readers_have_recorded_for_a_day_from_when_it_was_superseded(self) -> None:
        """After a week of quiet the head is a week old, and everybody has recorded it."""
        history = History.of([NOW - 9 * DAY, NOW - 8 * DAY])
        for second in range(3):
            history.commit(NOW + second * SECOND)
        assert 2 in thinned(history, now=NOW + DAY - 1, pinned=[2]).ids
        assert 2 not in thinned(history, now=NOW + DAY, pinned=[2]).ids

    def test_what_was_the_head_within_ten_minutes(self) -> None:
        history = History.of([NOW - 9 * DAY, NOW - 8 * DAY])
        for second in range(3):
            history.commit(NOW + second * SECOND)
        history.commit(NOW + 2 * MINUTE)
        assert thinned(history, now=NOW + 10 * MINUTE - 1).ids == {2, 5, 6}
        assert thinned(history, now=NOW + 10 * MINUTE + 3 * SECOND).ids == {5, 6}

    def test_what_was_rolled_back_to_within_ten_minutes(self) -> None:
        """It was the head up to the commit on top of it, which is thinned by its minute's last."""
        history = History.of(range(NOW - 9 * DAY, NOW - 9 * DAY + 5 * SECOND, SECOND))
        history.refs["main"] = Ref(2)
        for at in (NOW, NOW + SECOND, NOW + 3 * MINUTE):
            history.commit(at)
        assert thinned(history, now=NOW + 10 * MINUTE - 1).ids == {2, 5, 6, 7, 8}
        assert thinned(history, now=NOW + 10 * MINUTE + 2 * SECOND).ids == {7, 8}

    def test_what_branches_and_foreign_tags_name(self, old: History) -> None:
        old.refs |= {"rebuild": Ref(3), "before-audit": Ref(7)}
        assert thinned(old).ids == {3, 7, 11}

    def test_what_is_not_announced_yet(self, old: History) -> None:
        assert thinned(old, announced=8).ids == {9, 10, 11}
        assert thinned(old, announced=11).ids == {11}

    def test_unannounced_ones_up_to_a_bound_newest_first(self, old: History) -> None:
        policy = ThinningPolicy(max_unannounced=4)
        assert thinned(old, policy=policy, announced=0).ids == {8, 9, 10, 11}


class TestClocks:
    def test_a_clock_that_went_back_removes_nothing_young(self) -> None:
        history = History.of(range(NOW, NOW + MINUTE, SECOND))
        assert not history.thin(NOW - 3 * HOUR).remove

    def test_a_clock_that_went_back_leaves_no_ref_dangling(self) -> None:
        history = thinned(History.of(range(NOW - 5 * HOUR, NOW + 1, 10 * MINUTE)))
        history.apply(history.thin(NOW - 3 * HOUR))
        history.apply(history.thin(NOW))
        assert set(history.hour_tags) == {hour_tag(NOW - n * HOUR) for n in range(1, 6)}

    def test_a_clock_that_leapt_ahead_keeps_the_head_and_what_is_held(self) -> None:
        history = History.of(range(NOW, NOW + MINUTE, SECOND))
        history.refs["before-audit"] = Ref(7)
        assert thinned(history, now=NOW + 365 * DAY, announced=58).ids == {7, 59, 60}


@given(
    st.lists(st.integers(NOW - 9 * DAY, NOW + DAY), min_size=1, max_size=60),
    st.integers(NOW - DAY, NOW + 2 * DAY),
    st.lists(st.integers(0, 60)),
    st.none() | st.integers(0, 60),
    st.integers(1, 10),
)
def test_a_plan_done_leaves_nothing_to_plan(
    timestamps: list[int], now: int, pinned: list[int], announced: int | None, removals: int
) -> None:
    history = History.of(timestamps)
    policy = ThinningPolicy(max_removals=removals)
    held = {history.refs["main"].snapshot_id}
    held |= {
        s.snapshot_id
        for s, above in pairwise(history.snapshots)
        if s.snapshot_id in pinned and now - above.timestamp_ms < policy.pinned_ms
    }
    if announced is not None:
        held |= {number for number in history.ids if number > announced}
    thinned(history, now=now, policy=policy, pinned=pinned, announced=announced)
    assert history.thin(now, policy, pinned, announced) == ThinningPlan()
    assert held <= history.ids


def test_a_commit_a_second_for_a_week_keeps_at_most_four_hundred() -> None:
    """Only the last minutes are told second by second: what is older is thinned all the same."""
    history, most, now = History(), 0, NOW - 8 * DAY
    while now <= NOW:
        history.apply(history.thin(now))
        history.commit(now)
        most = max(most, len(history.snapshots))
        left = NOW - now
        now += SECOND if left < 5 * MINUTE else 20 * SECOND if left < 2 * HOUR else 10 * MINUTE
    assert 340 <= len(history.snapshots) <= 400
    assert most <= 400
    assert len(history.hour_tags) == 7 * 24
    assert len(history.refs) == 7 * 24 + 1


class TestWhatLasts:
    def found(self, history: History, now: int) -> int | None:
        snapshot = lasting(cast("TableState", history), now)
        return None if snapshot is None else snapshot.snapshot_id

    def test_the_last_version_of_a_minute_that_is_over(self) -> None:
        history = History.of(NOW + second * SECOND for second in (10, 59, 61, 70))
        assert self.found(history, NOW + 70 * SECOND) == 2
        assert self.found(history, NOW + 120 * SECOND) == 4

    def test_nothing_of_a_table_that_is_younger(self) -> None:
        assert self.found(History(), NOW) is None
        assert self.found(History.of([NOW, NOW + SECOND]), NOW + 2 * SECOND) is None

    def test_not_one_that_was_rolled_back_nor_one_that_gives_way_to_it(self) -> None:
        history = History.of([NOW, NOW + MINUTE, NOW + MINUTE + SECOND])
        history.refs["main"] = Ref(2)
        assert self.found(history, NOW + 3 * MINUTE) == 1

    @given(st.lists(st.integers(1, 90), min_size=1, max_size=60), st.integers(1, 59))
    def test_it_is_kept_for_most_of_an_hour(self, pauses: list[int], minutes: int) -> None:
        at, history = NOW, History.of([NOW])
        for pause in pauses:
            at += pause * SECOND
            history.commit(at)
        chosen = self.found(history, at)
        if chosen is None:
            return
        snapshot = history.snapshot_by_id(chosen)
        assert snapshot is not None
        later = at + MINUTE
        while later - snapshot.timestamp_ms < minutes * MINUTE:
            history.commit(later)
            removed = plan(cast("TableState", history), later, POLICY).remove
            assert chosen not in removed
            later += MINUTE
