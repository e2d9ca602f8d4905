"""What is done next, why, how failures are repeated, and that a table has one job at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.maintainer.agenda import TURNS, Agenda
from services.maintainer.pace import LEAST_LOOK_S, Pace
from services.maintainer.requests import Request
from services.maintainer.tasks import Task
from shared.contracts.commands import MaintenanceArguments
from shared.contracts.maintenance import JobName

A, B = "raw.a", "raw.b"
PACE = Pace(look_s=300, look_files=50, expire_s=3600, orphans_s=86_400, attempts=3, first_s=2)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def agenda(*tables: str, pace: Pace = PACE) -> Agenda:
    made = Agenda(tables, pace)
    made.own(tables)
    return made


def request(table: str, *jobs: JobName, number: int = 0) -> Request:
    return Request(
        table=table,
        jobs=jobs,
        command_id=f"command-{number}",
        arguments=MaintenanceArguments(),
        issued_at=NOON + timedelta(seconds=number),
    )


def taken(agenda: Agenda, now: float) -> Task:
    task = agenda.next(now)
    assert task is not None
    return task


def done(agenda: Agenda, now: float) -> Task:
    """The next task, ended well at once."""
    task = taken(agenda, now)
    agenda.ended(task, now)
    return task


def looked_at(*tables: str, pace: Pace = PACE) -> Agenda:
    """Every table was looked at at 0, and nothing was due; no timer counts."""
    made = agenda(*tables, pace=pace)
    for _ in tables:
        assert done(made, 0).job is None
    return made


def test_a_table_new_to_the_worker_is_looked_at_at_once_and_again_after_the_interval() -> None:
    plan = looked_at(A, B)
    assert plan.next(299) is None
    assert done(plan, 300).what == "look"


def test_many_new_files_bring_the_look_forward_but_not_at_once_after_the_last() -> None:
    plan = looked_at(A, B)
    plan.committed(A, 49)
    assert plan.next(LEAST_LOOK_S) is None
    plan.committed(A, 1)
    assert plan.next(LEAST_LOOK_S - 1) is None
    assert done(plan, LEAST_LOOK_S).table == A
    assert plan.next(2 * LEAST_LOOK_S) is None, "the count begins anew with the look"


def test_of_several_looks_the_table_with_most_new_files_comes_first() -> None:
    plan = looked_at(A, B)
    plan.committed(A, 60)
    plan.committed(B, 90)
    assert [done(plan, 30).table, done(plan, 30).table] == [B, A]


def test_what_a_look_found_is_done_in_order_with_its_reason() -> None:
    plan = looked_at(A)
    plan.found(A, {"manifests": "120 manifests", "compact": "80 small files", "restamp": "spark"})
    jobs = [done(plan, 1) for _ in range(3)]
    assert [(each.job, each.reason) for each in jobs] == [
        ("restamp", "spark"),
        ("compact", "80 small files"),
        ("manifests", "120 manifests"),
    ]
    assert {each.cause for each in jobs} == {"policy"}
    assert plan.next(1) is None


def test_a_table_has_one_job_at_a_time_and_others_go_on() -> None:
    plan = looked_at(A, B)
    plan.found(A, {"compact": "", "manifests": ""})
    plan.found(B, {"compact": ""})
    first, second = taken(plan, 1), taken(plan, 1)
    assert {first.table, second.table} == {A, B}
    assert plan.next(1) is None


def test_timers_count_once_it_is_known_what_ran_before() -> None:
    plan = looked_at(A)
    assert plan.next(200) is None
    plan.ran(A, "orphans", 100)
    plan.ran(A, "expire", -4000)
    plan.timed = plan.owned
    job = done(plan, 200)
    assert (job.job, job.cause) == ("expire", "timer")
    assert plan.next(201) is None


def test_expiry_and_orphans_come_again_after_their_time() -> None:
    plan = looked_at(A, pace=replace(PACE, look_s=1e9))
    plan.timed = plan.owned
    assert [done(plan, 0).job, done(plan, 0).job] == ["expire", "orphans"]
    assert plan.next(3599) is None
    assert done(plan, 3600).job == "expire"
    assert {done(plan, 86_400).job, done(plan, 86_400).job} == {"expire", "orphans"}


def test_of_several_timers_the_one_that_is_due_for_longest_comes_first() -> None:
    plan = looked_at(A, B, pace=replace(PACE, look_s=1e9))
    plan.ran(A, "expire", -10)
    plan.ran(B, "expire", -20)
    plan.ran(A, "orphans", 0)
    plan.timed = plan.owned
    assert (task := done(plan, 0)).table == B
    assert task.job == "orphans", "it never ran"
    found = [done(plan, 3600) for _ in range(2)]
    assert [(task.table, task.job) for task in found] == [(B, "expire"), (A, "expire")]


def test_timers_have_their_turn_where_there_is_always_something_to_look_at() -> None:
    plan = looked_at(A, B, pace=replace(PACE, look_s=1))
    plan.timed = plan.owned
    tasks = [done(plan, 10.0 * number) for number in range(1, 3 * TURNS)]
    jobs = [task.job for task in tasks if task.cause == "timer"]
    assert len(jobs) == 2
    assert [task.cause for task in tasks[:TURNS]].count("timer") <= 1


INDEX = "semantic.index"


def test_the_index_is_checked_after_its_time_and_nothing_else_is_done_to_what_is_no_table() -> None:
    plan = Agenda([A], replace(PACE, look_s=1e9, expire_s=1e9, orphans_s=1e9), INDEX)
    assert set(plan.tables) == {A, INDEX}
    plan.own([INDEX])
    assert plan.next(0) is None, "not before it is known when it was checked last"
    assert plan.wake_in(0) == pytest.approx(60)
    plan.ran(INDEX, "quality", -80_000)
    plan.timed = plan.owned
    assert plan.next(6_399) is None
    assert plan.wake_in(6_399) == pytest.approx(1)
    job = done(plan, 6_400)
    assert (job.table, job.job, job.cause) == (INDEX, "quality", "timer")
    assert plan.next(6_400 + 86_399) is None
    assert done(plan, 6_400 + 86_400).job == "quality"


def test_an_index_that_is_a_table_is_maintained_as_well() -> None:
    plan = Agenda([A, INDEX], PACE, INDEX)
    assert plan.tables == (A, INDEX)
    plan.own([INDEX])
    plan.timed = plan.owned
    assert {done(plan, 0).what for _ in range(4)} == {"look", "expire", "orphans", "quality"}
    assert plan.next(0) is None


def test_who_has_not_the_index_checks_nothing() -> None:
    plan = Agenda([A], PACE, INDEX)
    plan.own([A])
    plan.timed = plan.owned
    assert {done(plan, 0).what for _ in range(3)} == {"look", "expire", "orphans"}
    assert plan.next(0) is None
    assert not plan.requested(request(INDEX, "quality"))


def test_a_check_that_failed_comes_again_soon_and_a_command_brings_it_forward() -> None:
    plan = Agenda([], PACE, INDEX)
    plan.own([INDEX])
    plan.timed = plan.owned
    verdict = plan.ended(taken(plan, 0), 0, failed=True)
    assert (verdict.attempt, verdict.again_in_s) == (1, 2.0)
    asked = request(INDEX, "quality")
    assert plan.requested(asked)
    assert plan.ended(taken(plan, 1), 1).finished is asked
    assert plan.next(2) is None, "it has been checked"


def test_an_operators_command_comes_first_and_the_older_one_before() -> None:
    plan = agenda(A, B)
    assert plan.requested(request(A, "compact", number=2))
    assert plan.requested(request(B, "expire", number=1))
    first, second = done(plan, 0), done(plan, 0)
    assert (first.table, first.job, first.cause) == (B, "expire", "command")
    assert (second.table, second.job) == (A, "compact")


def test_a_request_that_is_delivered_again_is_done_once() -> None:
    plan = looked_at(A)
    asked = request(A, "compact")
    assert plan.requested(asked)
    assert not plan.requested(asked)
    done(plan, 1)
    assert not plan.requested(asked)
    assert plan.next(1) is None


def test_a_request_for_somebody_elses_table_is_not_taken() -> None:
    plan = looked_at(A)
    assert not plan.requested(request(B, "compact"))


def test_a_request_of_two_jobs_ends_with_the_second() -> None:
    plan = looked_at(A)
    asked = request(A, "expire", "orphans")
    plan.requested(asked)
    expire = taken(plan, 1)
    assert expire.job == "expire"
    assert plan.ended(expire, 1).finished is None
    orphans = taken(plan, 1)
    assert orphans.job == "orphans"
    assert plan.ended(orphans, 1).finished is asked


def test_what_may_succeed_later_is_tried_again_and_then_given_up() -> None:
    plan = looked_at(A)
    asked = request(A, "expire", "orphans")
    plan.requested(asked)
    task = taken(plan, 0)
    first = plan.ended(task, 0, failed=True)
    assert (first.attempt, first.again_in_s, first.finished) == (1, 2.0, None)
    assert plan.next(1.9) is None
    task = taken(plan, 2)
    assert task.attempt == 2
    assert plan.ended(task, 2, failed=True).again_in_s == 4.0
    last = plan.ended(taken(plan, 6), 6, failed=True)
    assert (last.attempt, last.again_in_s, last.finished) == (3, None, asked)
    assert plan.next(7) is None, "no search for orphans behind an expiry that failed"


def test_what_cannot_succeed_is_given_up_at_once() -> None:
    plan = looked_at(A)
    asked = request(A, "compact")
    plan.requested(asked)
    verdict = plan.ended(taken(plan, 0), 0, failed=True, retriable=False)
    assert (verdict.again_in_s, verdict.finished) == (None, asked)


def test_what_comes_of_itself_is_tried_again_for_ever_ever_more_slowly() -> None:
    plan = looked_at(A, B, pace=replace(PACE, longest_s=60))
    plan.found(A, {"compact": "80 small files"})
    now, pauses = 0.0, []
    for _ in range(8):
        task = taken(plan, now)
        assert task.table == A
        pause = plan.ended(task, now, failed=True, retriable=False).again_in_s
        assert pause is not None
        pauses.append(pause)
        now += pause
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_failing_job_holds_up_no_other_job_of_the_table() -> None:
    plan = looked_at(A)
    plan.found(A, {"compact": "", "manifests": ""})
    plan.ended(taken(plan, 0), 0, failed=True)
    assert done(plan, 0).job == "manifests"


def test_a_look_that_failed_waits_and_comes_again() -> None:
    plan = agenda(A)
    plan.ended(taken(plan, 0), 0, failed=True)
    assert plan.next(1.9) is None
    assert done(plan, 2).what == "look"


def test_a_look_that_many_files_asked_for_comes_again_as_soon_when_it_failed() -> None:
    plan = looked_at(A)
    plan.committed(A, 50)
    plan.ended(taken(plan, 30), 30, failed=True)
    assert plan.next(31.9) is None
    assert plan.wake_in(30) == pytest.approx(2)
    assert done(plan, 32).what == "look"
    assert plan.next(331) is None
    assert plan.wake_in(331) == pytest.approx(1)


def test_tables_of_others_are_left_and_what_is_theirs_is_forgotten() -> None:
    plan = looked_at(A, B)
    plan.found(B, {"compact": ""})
    plan.own([A])
    assert plan.next(1) is None
    plan.own([A, B])
    assert done(plan, 1).what == "look", "as new to the worker"


def test_requests_that_wait_are_delivered_again_after_a_rebalance_and_running_ones_go_on() -> None:
    plan = looked_at(A, B)
    running, waiting = request(A, "compact", number=1), request(B, "compact", number=2)
    plan.requested(running)
    task = taken(plan, 0)
    plan.requested(waiting)
    plan.forget_requests()
    plan.own([A, B])
    assert not plan.requested(running)
    assert plan.holds(running)
    assert plan.requested(waiting)
    assert plan.ended(task, 1).finished is running


def test_a_request_whose_table_went_away_while_it_ran_can_come_back() -> None:
    plan = looked_at(A, B)
    asked = request(A, "expire", "orphans")
    plan.requested(asked)
    task = taken(plan, 0)
    plan.forget_requests()
    plan.own([B])
    assert plan.ended(task, 1).finished is None
    plan.own([A, B])
    assert plan.requested(asked)


def test_a_request_is_known_by_command_and_table_whatever_record_brought_it() -> None:
    plan = looked_at(A, B)
    assert plan.requested(request(A, "compact"))
    assert not plan.requested(request(A, "compact"))
    assert plan.requested(request(B, "compact")), "the command means two tables"


def test_a_table_that_comes_back_while_its_job_still_runs_brings_the_request_back() -> None:
    plan = looked_at(A, B)
    asked = request(A, "compact")
    plan.requested(asked)
    task = taken(plan, 0)
    plan.forget_requests()
    plan.own([B])
    plan.own([A, B])
    assert plan.requested(request(A, "compact")), "delivered again, decoded anew"
    assert plan.holds(asked)
    assert plan.next(1) is None, "its table is still at work"
    assert plan.ended(task, 1).finished is None, "what has ended is of the time before"
    assert plan.holds(asked)
    assert not plan.requested(request(A, "compact")), "once is enough"
    assert done(plan, 2).job == "compact"
    assert not plan.holds(asked)


def test_what_was_cut_short_is_still_to_be_done() -> None:
    plan = looked_at(A)
    asked = request(A, "compact")
    plan.requested(asked)
    plan.interrupted(taken(plan, 0))
    assert plan.holds(asked)
    assert taken(plan, 1).request is asked
    other = looked_at(A)
    other.found(A, {"compact": "80 small files"})
    other.interrupted(taken(other, 0))
    assert taken(other, 1).job == "compact"


def test_a_failure_of_what_is_not_due_any_more_is_over() -> None:
    plan = looked_at(A)
    plan.found(A, {"compact": "", "manifests": ""})
    plan.ended(taken(plan, 0), 0, failed=True)
    plan.ended(taken(plan, 0), 0, failed=True)
    assert plan.found(A, {"manifests": ""}) == {"compact": 2}
    assert plan.conditions(0)[A] == "manifests waits; manifests failed, again in 2 s"
    assert plan.found(A, {"compact": ""}) == {"manifests": 2}
    assert taken(plan, 0).attempt == 1
    assert plan.found(A, {}) == {}, "nothing had failed"


def test_a_failure_of_before_the_start_is_over_with_the_next_attempt_or_look() -> None:
    plan = looked_at(A)
    plan.failed_before(A, "compact", 3)
    plan.failed_before(B, "compact", 3)
    plan.found(A, {"compact": ""})
    task = taken(plan, 0)
    assert task.attempt == 4, "so that it is told, though nothing was to be done"
    plan.ended(task, 0)
    assert plan.found(A, {}) == {}
    plan.failed_before(A, "compact", 1)
    assert plan.found(A, {}) == {"compact": 2}


@pytest.mark.parametrize(("now", "longest"), [(0.0, 60.0), (290.0, 10.0)])
def test_the_loop_wakes_when_something_may_be_due(now: float, longest: float) -> None:
    plan = looked_at(A)
    assert plan.wake_in(now) == pytest.approx(longest)
    plan.found(A, {"compact": ""})
    assert plan.wake_in(now) < 0.1


def test_a_request_behind_one_that_waits_does_not_wake_the_loop() -> None:
    plan = looked_at(A)
    plan.requested(request(A, "compact", number=1))
    plan.requested(request(A, "expire", number=2))
    plan.ended(taken(plan, 0), 0, failed=True)
    assert plan.wake_in(0) == pytest.approx(2)


def test_the_loop_wakes_for_a_look_that_many_files_ask_for() -> None:
    plan = looked_at(A)
    plan.committed(A, 50)
    assert plan.wake_in(1) == pytest.approx(LEAST_LOOK_S - 1)
