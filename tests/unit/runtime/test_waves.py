"""Waves: from a commit of a landing table until everything derived from it holds it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.runtime.wave import Build, Outcome, Wave
from shared.runtime.waves import builds_of, waves
from tests.support.derived_specs import ORDERS_TOPIC, derived, landing

TABLES = {
    spec.name: spec
    for spec in (
        landing("raw.orders", ORDERS_TOPIC),
        derived("staging.orders", ["raw.orders"]),
        derived("core.orders", ["staging.orders"]),
    )
}
START = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def commit(table: str, number: int, seconds: float, offset: int) -> TableCommitted:
    """A commit at which the table holds the offsets of partition 0 below ``offset``."""
    progress = {ORDERS_TOPIC: {0: offset}}
    return TableCommitted(
        table=table,
        uuid=f"uuid of {table}",
        snapshot_id=1000 + number,
        parent_snapshot_id=None,
        sequence_number=number,
        operation="append",
        committed_at=at(seconds),
        offsets=progress if TABLES[table].topics else {},
        complete={} if TABLES[table].topics else progress,
    )


def started(build: str, target: str, wave: str, seconds: float, attempt: int = 1) -> BuildStarted:
    return BuildStarted(
        build_id=build,
        target=target,
        wave=wave,
        cause="commit",
        reason="raw.orders moved on",
        attempt=attempt,
        started_at=at(seconds),
    )


def succeeded(build: str, target: str, wave: str, seconds: float) -> BuildSucceeded:
    return BuildSucceeded(
        build_id=build,
        target=target,
        wave=wave,
        cause="commit",
        mode="incremental",
        attempt=1,
        rows_added=7,
        seconds=0.5,
        snapshot_id=99,
        succeeded_at=at(seconds),
    )


def failed(build: str, target: str, wave: str, seconds: float, *, again: bool) -> BuildFailed:
    return BuildFailed(
        build_id=build,
        target=target,
        wave=wave,
        cause="commit",
        attempt=1,
        error_type="WorkerDied",
        error="out of memory",
        seconds=0.5,
        will_retry=again,
        next_attempt_at=at(seconds + 10) if again else None,
        failed_at=at(seconds),
    )


FIRST, SECOND = "raw.orders/1", "raw.orders/2"
BUILDS: list[Event] = [
    started("a", "staging.orders", FIRST, 1),
    succeeded("a", "staging.orders", FIRST, 1.5),
    started("b", "core.orders", FIRST, 2),
    succeeded("b", "core.orders", FIRST, 2.5),
]


def grouped(commits: list[TableCommitted], builds: list[Event]) -> dict[str, Wave]:
    return {each.wave: each for each in waves(commits, builds_of(builds), TABLES)}


def test_a_wave_ends_when_the_last_derived_table_holds_its_offsets() -> None:
    commits = [
        commit("raw.orders", 1, 0, 10),
        commit("staging.orders", 1, 1.4, 10),
        commit("core.orders", 1, 2.4, 10),
    ]
    wave = grouped(commits, BUILDS)[FIRST]
    assert (wave.outcome, wave.started_at, wave.ended_at) == (Outcome.DONE, at(0), at(2.4))
    assert wave.duration == timedelta(seconds=2.4)
    assert wave.targets == ("staging.orders", "core.orders")
    assert wave.held == {"staging.orders": at(1.4), "core.orders": at(2.4)}


def test_a_table_that_holds_part_of_the_offsets_leaves_the_wave_open() -> None:
    commits = [
        commit("raw.orders", 1, 0, 10),
        commit("staging.orders", 1, 1.4, 10),
        commit("core.orders", 1, 2.4, 9),
    ]
    wave = grouped(commits, BUILDS)[FIRST]
    assert (wave.outcome, wave.ended_at, wave.missing) == (Outcome.WAITING, None, ("core.orders",))


def test_a_later_commit_is_taken_along_by_the_builds_of_an_earlier_wave() -> None:
    commits = [
        commit("raw.orders", 1, 0, 10),
        commit("raw.orders", 2, 0.5, 12),
        commit("staging.orders", 1, 1.4, 12),
        commit("core.orders", 1, 2.4, 12),
    ]
    found = grouped(commits, BUILDS)
    assert found[SECOND].taken_along
    assert not found[FIRST].taken_along
    assert found[SECOND].ended_at == at(2.4)
    assert found[SECOND].duration == timedelta(seconds=1.9)


def test_a_commit_that_moves_no_offset_begins_no_wave() -> None:
    commits = [commit("raw.orders", 1, 0, 10), commit("raw.orders", 2, 5, 10)]
    assert set(grouped(commits, [])) == {FIRST}


def test_the_last_build_of_each_table_decides_about_an_open_wave() -> None:
    commits = [commit("raw.orders", 1, 0, 10)]
    running: list[Event] = [*BUILDS[:2], started("b", "core.orders", FIRST, 2)]
    retrying = [*running, failed("b", "core.orders", FIRST, 2.5, again=True)]
    again = [*retrying, started("c", "core.orders", FIRST, 12, attempt=2)]
    given_up = [*again, failed("c", "core.orders", FIRST, 12.5, again=False)]
    assert grouped(commits, [])[FIRST].outcome is Outcome.WAITING
    assert grouped(commits, running)[FIRST].outcome is Outcome.RUNNING
    assert grouped(commits, retrying)[FIRST].outcome is Outcome.RETRYING
    assert grouped(commits, again)[FIRST].outcome is Outcome.RUNNING
    assert grouped(commits, given_up)[FIRST].outcome is Outcome.FAILED


def test_a_failure_that_was_made_good_by_another_wave_is_done() -> None:
    commits = [
        commit("raw.orders", 1, 0, 10),
        commit("staging.orders", 1, 9, 10),
        commit("core.orders", 1, 9.5, 10),
    ]
    builds: list[Event] = [failed("a", "staging.orders", FIRST, 2, again=False)]
    assert grouped(commits, builds)[FIRST].outcome is Outcome.DONE


def test_a_refresh_is_a_wave_of_its_builds_alone() -> None:
    builds = [each.model_copy(update={"wave": "refresh/01a2"}) for each in BUILDS]
    wave = grouped([], builds)["refresh/01a2"]
    assert (wave.outcome, wave.started_at, wave.ended_at) == (Outcome.DONE, at(1), at(2.5))
    assert grouped([], builds[:3])["refresh/01a2"].outcome is Outcome.RUNNING


def test_a_build_whose_worker_died_is_abandoned_once_another_one_begins() -> None:
    events: list[Event] = [
        started("a", "core.orders", FIRST, 1),
        started("b", "core.orders", FIRST, 5, attempt=2),
        started("c", "staging.orders", FIRST, 0),
    ]
    outcomes = {build.build_id: build.outcome for build in builds_of(events)}
    assert outcomes == {"a": Outcome.ABANDONED, "b": Outcome.RUNNING, "c": Outcome.RUNNING}


def test_an_end_without_a_beginning_tells_when_it_began() -> None:
    [build] = builds_of([succeeded("a", "core.orders", FIRST, 2)])
    assert (build.started_at, build.ended_at) == (at(1.5), at(2))
    assert (build.rows_added, build.mode) == (7, "incremental")


@given(st.permutations(BUILDS), st.lists(st.sampled_from(BUILDS)))
def test_the_order_and_repetition_of_events_do_not_matter(
    events: list[Event], repeated: list[Event]
) -> None:
    assert builds_of([*events, *repeated]) == builds_of(BUILDS)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6))
def test_every_build_is_in_exactly_one_wave(placed: list[tuple[int, int]]) -> None:
    events: list[Event] = [
        started(f"b{number}", "core.orders", f"raw.orders/{wave}", number)
        for number, (wave, _) in enumerate(placed)
    ]
    commits = [commit("raw.orders", n, n, n) for n in sorted({c for _, c in placed if c})]
    found: list[Build] = [b for w in waves(commits, builds_of(events), TABLES) for b in w.builds]
    assert sorted(b.build_id for b in found) == sorted(b.build_id for b in builds_of(events))
