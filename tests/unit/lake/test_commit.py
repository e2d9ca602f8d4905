"""One snapshot per commit id, whatever happens between the load and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
from msgspec.structs import replace
from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    BadRequestError,
    CommitStateUnknownException,
    ForbiddenError,
    NoSuchTableError,
    ServerError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from pyiceberg.table import CommitTableResponse
from pyiceberg.table.update import SetPropertiesUpdate
from requests.exceptions import ConnectionError as Unreachable

from shared.lake.commit import Append, Head, Outcome, Result, Thinning, commit, find_commit
from shared.lake.positions import Positions
from shared.lake.recorded import ancestors
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import NotFound, Refused, Unavailable
from tests.support.faulty_catalog import (
    Fault,
    FaultyCatalog,
    Send,
    after,
    answers,
    answers_after_commit,
    conflict,
    late,
    lost_request,
    lost_response,
)
from tests.support.lake import (
    TOPIC,
    Batch,
    Lake,
    commit_ids,
    manifests_named,
    manifests_on_disk,
)


@dataclass
class Clock:
    """Seconds that pass only while somebody sleeps, or when told."""

    now: float = 1_700_000_000.0
    slept: int = 0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.now += max(seconds, 0.001)


class Writer:
    """A writer with its own connection, clock and commit ids."""

    def __init__(self, lake: Lake, patience_s: float = 60.0) -> None:
        self.catalog = lake.catalog()
        self.handle = lake.handle(self.catalog)
        self.clock = Clock()
        self.patience_s = patience_s
        self.batches: dict[str, Batch] = {}

    def land(self, commit_id: str, start: int, end: int, *faults: Fault) -> Outcome:
        batch = self.batches.setdefault(commit_id, Batch(self.handle, start, end))
        self.catalog.faults.extend(faults)
        return commit(
            self.handle,
            batch.decide,
            commit_id=commit_id,
            writer="test",
            patience_s=self.patience_s,
            clock=self.clock.time,
            sleep=self.clock.sleep,
        )


@pytest.fixture
def writer(lake: Lake) -> Writer:
    """A writer on a table that holds offsets 0 to 9."""
    first = Writer(lake)
    first.land("first", 0, 10)
    first.catalog.calls = 0
    return first


def assert_exactly_once(lake: Lake, end: int) -> None:
    """Offsets ``[0, end)`` are in the table, each once, and the positions and ids say so."""
    assert lake.offsets() == {(0, offset): 1 for offset in range(end)}
    assert lake.positions.next_offset(TOPIC, 0) == end
    (stretch,) = lake.positions.partitions[TOPIC, 0].stretches
    assert (stretch.first, stretch.next, stretch.rows, stretch.gaps) == (0, end, end, 0)
    assert set(commit_ids(lake.state).values()) == {1}
    assert_monotonous(lake)


def assert_monotonous(lake: Lake) -> None:
    """Along the ancestry, offsets never go back."""
    known = [
        positions.next_offset(TOPIC, 0) or 0
        for snapshot in list(ancestors(lake.state))[::-1]
        if (positions := Positions.from_summary(snapshot.summary)) is not None
    ]
    assert known == sorted(known)


class TestQuiet:
    def test_a_commit_is_one_request_and_one_snapshot(self, lake: Lake, writer: Writer) -> None:
        outcome = writer.land("second", 10, 20)
        assert outcome.result is Result.COMMITTED
        assert writer.catalog.calls == 1
        assert outcome.snapshot == lake.head
        assert lake.head.summary["bergline.commit"] == "second"
        assert lake.head.summary["bergline.writer"] == "test"
        assert_exactly_once(lake, 20)

    def test_the_positions_are_mirrored_for_exactly_this_snapshot(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.land("second", 10, 20)
        assert Positions.from_mirror(lake.metadata.properties) == (
            lake.head.snapshot_id,
            lake.positions,
        )

    def test_a_lone_writer_loads_the_table_once(self, lake: Lake, writer: Writer) -> None:
        loaded = writer.handle.table
        for number in range(1, 4):
            writer.land(f"more-{number}", 10 * number, 10 * number + 10)
        assert writer.handle.table is loaded
        assert replace(writer.handle.state(), metadata_location="") == lake.state

    def test_nothing_to_commit_sends_nothing(self, lake: Lake, writer: Writer) -> None:
        head = lake.head
        outcome = writer.land("again", 0, 10)
        assert (outcome.result, outcome.snapshot) == (Result.NOTHING, None)
        assert writer.catalog.calls == 0
        assert lake.head == head

    def test_positions_can_move_without_rows(self, lake: Lake, writer: Writer) -> None:
        def decide(head: Head, _: bool) -> Append:
            assert head.recorded.positions is not None
            moved = head.recorded.positions.advance(
                TOPIC, 0, start=10, end=15, rows=0, errors=0, tail=None
            )
            return Append((), moved, {"why": "markers"})

        commit(writer.handle, decide, commit_id="empty", writer="test")
        assert lake.positions.next_offset(TOPIC, 0) == 15
        assert lake.offsets().total() == 10
        assert lake.head.summary["why"] == "markers"

    def test_what_the_decision_raises_ends_the_commit(self, lake: Lake, writer: Writer) -> None:
        with pytest.raises(LookupError, match="stands at 10"):
            writer.land("skip", 12, 20)
        assert writer.catalog.calls == 0
        assert_exactly_once(lake, 10)

    def test_a_stale_head_alone_never_says_that_there_is_nothing_to_do(
        self, lake: Lake, writer: Writer
    ) -> None:
        first = lake.head.snapshot_id
        writer.land("second", 10, 20)
        lake.roll_back(first)
        outcome = writer.land("again", 10, 20)
        assert outcome.result is Result.COMMITTED
        assert lake.offsets() == {(0, offset): 1 for offset in range(20)}


class TestConflict:
    @pytest.mark.parametrize("times", [1, 7])
    def test_a_conflict_is_met_by_deciding_again_on_a_new_head(
        self, lake: Lake, writer: Writer, times: int
    ) -> None:
        outcome = writer.land("second", 10, 20, *[conflict] * times)
        assert (outcome.result, outcome.conflicts) == (Result.COMMITTED, times)
        assert writer.catalog.calls == times + 1
        assert len(writer.batches["second"].heads) == times + 1
        assert_exactly_once(lake, 20)

    def test_the_files_of_a_conflict_may_be_named_again(self, writer: Writer) -> None:
        writer.land("second", 10, 20, conflict, conflict)
        assert writer.batches["second"].may_reuse == [True, True, True]

    def test_another_writer_in_between_is_seen_and_trimmed(
        self, lake: Lake, writer: Writer
    ) -> None:
        other = Writer(lake)
        outcome = writer.land("second", 10, 20, after(lambda: other.land("other", 10, 16)))
        assert (outcome.result, outcome.conflicts) == (Result.COMMITTED, 1)
        assert_exactly_once(lake, 20)

    def test_another_writer_with_all_of_it_leaves_nothing_to_do(
        self, lake: Lake, writer: Writer
    ) -> None:
        other = Writer(lake)
        outcome = writer.land("second", 10, 20, after(lambda: other.land("other", 10, 25)))
        assert outcome.result is Result.NOTHING
        assert outcome.state.current_snapshot_id == lake.head.snapshot_id
        assert_exactly_once(lake, 25)

    def test_a_foreign_commit_in_between_keeps_the_positions(
        self, lake: Lake, writer: Writer
    ) -> None:
        outcome = writer.land("second", 10, 20, after(lake.foreign_append))
        assert (outcome.result, outcome.conflicts) == (Result.COMMITTED, 1)
        assert lake.positions.next_offset(TOPIC, 0) == 20
        assert lake.offsets() == {(0, o): 1 for o in range(20)} | {(99, 0): 1}

    def test_a_rollback_in_between_is_not_skipped(self, lake: Lake, writer: Writer) -> None:
        first = lake.head.snapshot_id
        writer.land("second", 10, 20)
        with pytest.raises(LookupError, match="stands at 10"):
            writer.land("third", 20, 30, after(lambda: lake.roll_back(first)))
        assert lake.offsets() == {(0, offset): 1 for offset in range(10)}

    def test_what_is_committed_in_the_pause_after_a_conflict_is_no_conflict_again(
        self, lake: Lake, writer: Writer
    ) -> None:
        """The head is loaded after the pause: before a table that is committed to all the time, one
        loaded before it would always be too old."""
        other = Writer(lake)

        def pause(seconds: float) -> None:
            Clock.sleep(writer.clock, seconds)
            end = lake.positions.next_offset(TOPIC, 0) or 0
            other.land(f"other-{end}", end, end + 2)

        with patch.object(writer.clock, "sleep", pause):
            outcome = writer.land("second", 10, 20, after(lambda: other.land("other", 10, 12)))
        assert (outcome.result, outcome.conflicts) == (Result.COMMITTED, 1)
        assert_exactly_once(lake, 20)

    def test_conflicts_without_end_are_given_up_with_their_number(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.patience_s = 3
        with pytest.raises(Unavailable, match=r"raw\.log .*3 s \(\d+ conflicts, 0 unknown"):
            writer.land("second", 10, 20, *[conflict] * 350)
        assert 5 < writer.clock.slept < 100
        assert_exactly_once(lake, 10)

    def test_a_lost_attempt_leaves_no_manifest_behind(self, lake: Lake, writer: Writer) -> None:
        other = Writer(lake)
        writer.land("second", 10, 20, after(lambda: other.land("other", 10, 16)))
        assert manifests_on_disk(lake) == manifests_named(lake)

    def test_a_conflict_on_an_unmoved_head_proves_nothing(self, lake: Lake, writer: Writer) -> None:
        before = manifests_on_disk(lake)
        writer.land("second", 10, 20, conflict)
        left = manifests_on_disk(lake) - manifests_named(lake)
        assert len(left) == 2  # a manifest and its list
        assert before <= manifests_on_disk(lake)

    def test_a_conflict_that_was_a_success_deletes_nothing(
        self, lake: Lake, writer: Writer
    ) -> None:
        """A proxy that repeats a request turns a success into a 409."""

        def repeated(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
            send()
            return send()

        outcome = writer.land("second", 10, 20, repeated)
        assert (outcome.result, outcome.conflicts) == (Result.FOUND, 1)
        assert_exactly_once(lake, 20)
        assert manifests_named(lake) <= manifests_on_disk(lake)

    def test_a_success_that_was_rolled_back_keeps_its_manifests(
        self, lake: Lake, writer: Writer
    ) -> None:
        first = lake.head.snapshot_id
        other = Writer(lake)

        def repeated(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
            send()
            lake.roll_back(first)
            other.land("other", 10, 12)
            return send()

        writer.land("second", 10, 20, repeated)
        assert manifests_named(lake) <= manifests_on_disk(lake)
        assert lake.offsets() == {(0, offset): 1 for offset in range(20)}


UNKNOWN = {
    "no answer": lost_request,
    "500": answers(CommitStateUnknownException("injected")),
    "503": answers(ServiceUnavailableError("injected")),
    "server error": answers(ServerError("injected")),
    "no route": answers(Unreachable("injected")),
}
UNKNOWN_BUT_DONE = {
    "no answer": lost_response,
    "500": answers_after_commit(CommitStateUnknownException("injected")),
    "503": answers_after_commit(ServiceUnavailableError("injected")),
    "no route": answers_after_commit(Unreachable("injected")),
}


class TestUnknownOutcome:
    @pytest.mark.parametrize("fault", UNKNOWN.values(), ids=UNKNOWN.keys())
    def test_what_did_not_happen_is_done_by_the_next_attempt(
        self, lake: Lake, writer: Writer, fault: Fault
    ) -> None:
        outcome = writer.land("second", 10, 20, fault)
        assert (outcome.result, outcome.unknowns) == (Result.COMMITTED, 1)
        assert writer.catalog.calls == 2
        assert_exactly_once(lake, 20)

    @pytest.mark.parametrize("fault", UNKNOWN_BUT_DONE.values(), ids=UNKNOWN_BUT_DONE.keys())
    def test_what_did_happen_is_found_by_its_commit_id(
        self, lake: Lake, writer: Writer, fault: Fault
    ) -> None:
        outcome = writer.land("second", 10, 20, fault)
        assert (outcome.result, outcome.unknowns) == (Result.FOUND, 1)
        assert outcome.snapshot == lake.head
        assert writer.catalog.calls == 1
        assert_exactly_once(lake, 20)

    def test_it_is_found_below_what_others_committed_since(
        self, lake: Lake, writer: Writer
    ) -> None:
        other = Writer(lake)

        def lost_and_built_upon(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
            send()
            other.land("other", 20, 30)
            lake.foreign_append()
            return lost_request(catalog, send)

        outcome = writer.land("second", 10, 20, lost_and_built_upon)
        assert outcome.result is Result.FOUND
        assert outcome.snapshot is not None
        assert outcome.snapshot.summary["bergline.commit"] == "second"
        assert lake.positions.next_offset(TOPIC, 0) == 30

    def test_a_late_success_before_the_next_attempt_is_found(
        self, lake: Lake, writer: Writer
    ) -> None:
        outcome = writer.land("second", 10, 20, late, after(writer.catalog.deliver_held))
        assert (outcome.result, outcome.conflicts, outcome.unknowns) == (Result.FOUND, 1, 1)
        assert_exactly_once(lake, 20)

    def test_a_late_request_after_the_next_attempt_is_refused_by_its_assertion(
        self, lake: Lake, writer: Writer
    ) -> None:
        outcome = writer.land("second", 10, 20, late)
        assert outcome.result is Result.COMMITTED
        assert writer.catalog.deliver_held() == 0
        assert_exactly_once(lake, 20)

    def test_files_of_an_unknown_attempt_are_never_named_again(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.land("second", 10, 20, conflict, late, conflict, conflict)
        batch = writer.batches["second"]
        assert batch.may_reuse == [True, True, False, False, False]

    def test_manifests_of_an_unknown_attempt_stay(self, lake: Lake, writer: Writer) -> None:
        other = Writer(lake)
        writer.land("second", 10, 20, late, after(lambda: other.land("other", 10, 16)))
        left = manifests_on_disk(lake) - manifests_named(lake)
        assert len(left) >= 2
        assert_exactly_once(lake, 20)

    def test_a_table_that_went_back_and_a_late_request_still_hold_it_once(
        self, lake: Lake, writer: Writer
    ) -> None:
        first = lake.head.snapshot_id
        writer.land("second", 10, 20, late)
        lake.roll_back(first)
        writer.catalog.deliver_held()
        writer.handle.forget()
        writer.land("third", 10, 20)
        assert lake.offsets() == {(0, offset): 1 for offset in range(20)}
        assert_monotonous(lake)

    def test_patience_ends_with_unavailable(self, lake: Lake, writer: Writer) -> None:
        writer.patience_s = 3
        with pytest.raises(Unavailable, match=r"raw\.log .*0 conflicts, \d+ unknown"):
            writer.land("second", 10, 20, *[lost_request] * 350)
        assert_exactly_once(lake, 10)


class TestCalledAgain:
    """The same commit id after an error, as a writer does that keeps its work."""

    @pytest.fixture
    def impatient(self, lake: Lake) -> Writer:
        first = Writer(lake, patience_s=0)
        first.land("first", 0, 10)
        return first

    def test_a_success_that_was_not_answered_is_found(self, lake: Lake, impatient: Writer) -> None:
        with pytest.raises(Unavailable):
            impatient.land("second", 10, 20, lost_response)
        outcome = impatient.land("second", 10, 20)
        assert outcome.result is Result.FOUND
        assert outcome.snapshot is not None
        assert outcome.snapshot.snapshot_id == lake.head.snapshot_id
        assert_exactly_once(lake, 20)

    def test_a_success_that_comes_meanwhile_is_found(self, lake: Lake, impatient: Writer) -> None:
        with pytest.raises(Unavailable):
            impatient.land("second", 10, 20, late)
        assert impatient.catalog.deliver_held() == 1
        assert impatient.land("second", 10, 20).result is Result.FOUND
        assert_exactly_once(lake, 20)

    def test_a_success_that_comes_too_late_is_refused(self, lake: Lake, impatient: Writer) -> None:
        with pytest.raises(Unavailable):
            impatient.land("second", 10, 20, late)
        assert impatient.land("second", 10, 20).result is Result.COMMITTED
        assert impatient.catalog.deliver_held() == 0
        assert_exactly_once(lake, 20)

    def test_a_success_in_the_middle_of_the_second_call_is_found(
        self, lake: Lake, impatient: Writer
    ) -> None:
        with pytest.raises(Unavailable):
            impatient.land("second", 10, 20, late)
        impatient.patience_s = 60
        outcome = impatient.land("second", 10, 20, after(impatient.catalog.deliver_held))
        assert (outcome.result, outcome.conflicts) == (Result.FOUND, 1)
        assert_exactly_once(lake, 20)

    def test_what_never_arrived_is_committed(self, lake: Lake, impatient: Writer) -> None:
        for _ in range(3):
            with pytest.raises(Unavailable):
                impatient.land("second", 10, 20, lost_request)
        assert impatient.land("second", 10, 20).result is Result.COMMITTED
        assert_exactly_once(lake, 20)


class TestRefused:
    @pytest.mark.parametrize(
        "error", [BadRequestError, UnauthorizedError, ForbiddenError, AuthorizationExpiredError]
    )
    def test_a_refusal_is_not_repeated(
        self, lake: Lake, writer: Writer, error: type[Exception]
    ) -> None:
        with pytest.raises(Refused, match=r"raw\.log: because") as refused:
            writer.land("second", 10, 20, answers(error("because")))
        assert "credential" in refused.value.next_step
        assert writer.catalog.calls == 1
        assert_exactly_once(lake, 10)

    def test_after_a_refusal_the_same_commit_may_be_sent(self, lake: Lake, writer: Writer) -> None:
        with pytest.raises(Refused):
            writer.land("second", 10, 20, lost_request, answers(ForbiddenError("no")))
        assert writer.land("second", 10, 20).result is Result.COMMITTED
        assert_exactly_once(lake, 20)


class TestGone:
    def test_a_table_that_is_dropped_is_not_found(self, lake: Lake, writer: Writer) -> None:
        with pytest.raises(NotFound, match=r"raw\.log does not exist") as gone:
            writer.land("second", 10, 20, after(lake.drop))
        assert "bergline bootstrap" in gone.value.next_step

    def test_a_catalog_that_is_away_while_loading_is_waited_for(
        self, lake: Lake, writer: Writer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load, away = writer.catalog.load_table, iter([Unreachable("a"), ServerError("b")])

        def flaky(identifier: object) -> object:
            error = next(away, None)
            if error is not None:
                raise error
            return load(identifier)  # type: ignore[arg-type]

        monkeypatch.setattr(writer.catalog, "load_table", flaky)
        writer.handle.forget()
        assert writer.land("second", 10, 20).result is Result.COMMITTED
        assert writer.clock.slept == 2

    def test_a_catalog_that_stays_away_is_unavailable(
        self, lake: Lake, writer: Writer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(identifier: object) -> object:
            raise Unreachable("no route")

        monkeypatch.setattr(writer.catalog, "load_table", away)
        writer.handle.forget()
        with pytest.raises(Unavailable, match=r"does not answer for raw\.log: no route"):
            writer.land("second", 10, 20)

    def test_a_catalog_that_contradicts_itself_is_not_asked_in_a_tight_loop(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.patience_s = 2
        with pytest.raises(Unavailable):
            writer.land("second", 10, 20, *[answers(NoSuchTableError("?"))] * 250)
        assert writer.catalog.calls < 250


def test_the_librarys_retry_is_never_used(lake: Lake, tmp_path: Path) -> None:
    """Whatever the table's properties ask for."""
    lake.update(SetPropertiesUpdate(updates={"commit.retry.num-retries": "10"}))
    writer = Writer(lake, patience_s=0)
    with pytest.raises(Unavailable, match="1 conflicts"):
        writer.land("first", 0, 10, *[conflict] * 5)
    assert writer.catalog.calls == 1


def test_thinning_rides_on_the_commit_and_is_reported(lake: Lake) -> None:
    writer = Writer(lake)
    for number in range(5):
        writer.land(f"c{number}", 10 * number, 10 * number + 10)
    old = {snapshot.snapshot_id for snapshot in lake.metadata.snapshots}
    head = lake.head.snapshot_id
    batch = Batch(writer.handle, 50, 60)
    writer.catalog.calls = 0
    outcome = commit(
        writer.handle,
        batch.decide,
        commit_id="last",
        writer="test",
        thinning=Thinning(ThinningPolicy(dense_ms=0, minutes_ms=0, hours_ms=0)),
    )
    assert writer.catalog.calls == 1
    assert {snapshot.snapshot_id for snapshot in outcome.removed} == old - {head}
    assert {s.snapshot_id for s in lake.metadata.snapshots} == {head, lake.head.snapshot_id}
    assert_exactly_once(lake, 60)


def test_the_id_of_a_commit_is_looked_for_in_the_ancestry_only(lake: Lake) -> None:
    writer = Writer(lake)
    writer.land("first", 0, 10)
    first = lake.head.snapshot_id
    writer.land("second", 10, 20)
    lake.roll_back(first)
    assert find_commit(lake.state, "second") is None
    assert find_commit(lake.state, "first") == lake.head
