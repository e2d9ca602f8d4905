"""What each source makes of events, and what it does not."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from shared.alerting.series import Vector, labels
from shared.alerting.signals.builds import Builds
from shared.alerting.signals.entities import COVERAGE, DUPLICATES, EntityIndex
from shared.alerting.signals.following import Following
from shared.alerting.signals.freshness import MOVING_S, Freshness, Objectives
from shared.alerting.signals.landed_rows import LandedRows
from shared.alerting.signals.maintenance import Maintenance
from shared.alerting.signals.partitions import Partitions
from shared.alerting.signals.reader_floors import ReaderFloors
from shared.alerting.signals.runs import FAILED, SECONDS, SUCCEEDED, Runs
from shared.alerting.signals.silence import EXPECTED, SILENCE, Silence
from shared.alerting.signals.spool import GONE_AFTER_S, Spool
from shared.alerting.signals.tables import LEAST, LIMIT, TableFigures
from shared.contracts.entity_quality import EntityQuality, SourceQuality
from tests.unit.alerting.signals.histories import (
    MART,
    RAW,
    REJECTED,
    STAGED,
    TABLES,
    TOPIC,
    at,
    built,
    commit,
    failed,
    landed,
    maintained,
    resumed,
    spooled,
    stopped,
    succeeded,
    unmaintained,
)

HOUR = 3600.0
DAY = 24 * HOUR


def now(seconds: float) -> float:
    return at(seconds).timestamp()


Source = TypeVar("Source", bound=Following)


def ready(source: Source) -> Source:
    for topic in source.reads:
        source.caught_up(topic)
    return source


def value(source: Following, name: str, seconds: float = 0, /, **series: str) -> float | None:
    return source.vectors(now(seconds))[name].get(labels(**series))


def test_figures_are_those_of_the_last_commit_and_of_declared_tables_only() -> None:
    figures = ready(TableFigures(TABLES))
    figures.event(commit(RAW, 3, 0, parent_snapshot_id=None))
    figures.event(commit(RAW, 4, 2 * DAY, total_rows=None, snapshots=70))
    figures.event(commit(RAW, 2, 9))
    figures.event(commit("raw.nothing", 1))
    series = {"layer": "raw", "table": RAW}
    assert value(figures, "iceberg_table_file_count", **series) == 4
    assert value(figures, "iceberg_table_row_count", **series) is None, "it does not tell"
    assert value(figures, "iceberg_table_snapshot_count", **series) == 70
    assert value(figures, LIMIT, **series) == LEAST, "two commits are few"
    assert value(figures, "lakehouse_table_last_commit_timestamp_seconds", **series) == now(2 * DAY)
    assert len(figures.vectors(0)[LIMIT]) == 1
    figures.event(commit(RAW, 1, 3 * DAY, uuid="another"))
    assert value(figures, "iceberg_table_file_count", **series) == 1, "made anew, it begins anew"


def freshness() -> Freshness:
    return ready(Freshness(TABLES, Objectives(landing_s=5, derived_s=60)))


def of(layer: str, table: str) -> dict[str, str]:
    return {"layer": layer, "table": table}


STALENESS = "lakehouse_table_staleness_seconds"
DELAY = "lakehouse_table_delay_seconds"
MISSED = "lakehouse_table_objective_missed"
WAVE = "lakehouse_wave_age_seconds"
LANDING, DERIVED = of("raw", RAW), of("staging", STAGED)


def test_staleness_is_the_age_of_the_oldest_landing_commit_that_is_lacked() -> None:
    found = freshness()
    found.event(built(STAGED, 1, 0, 0))
    assert value(found, STALENESS, 50, **DERIVED) == 0
    found.event(landed(1, 100))
    found.event(landed(2, 130))
    assert value(found, STALENESS, 150, **DERIVED) == 50
    assert value(found, WAVE, 150, table=RAW) == 50
    found.event(built(STAGED, 2, 1, 160))
    assert value(found, STALENESS, 160, **DERIVED) == 30
    assert value(found, WAVE, 160, table=RAW) == 60, "others lack it still"
    for table in (REJECTED, MART, STAGED):
        found.event(built(table, 3, 2, 170))
    assert value(found, STALENESS, 9999, **DERIVED) == 0, "a quiet night is not stale"
    assert value(found, WAVE, 9999, table=RAW) == 0


def test_a_table_that_was_never_built_is_stale_once_something_landed_for_it() -> None:
    """No success ever is as bad as no success for hours."""
    found = freshness()
    assert value(found, STALENESS, 99, **DERIVED) is None, "nothing is to be built"
    found.event(landed(1, 100))
    assert value(found, STALENESS, 150, **DERIVED) == 50
    assert value(found, MISSED, 150, **DERIVED) == 0
    assert value(found, MISSED, 161, **DERIVED) == 1
    found.event(built(STAGED, 1, 1, 170))
    assert value(found, STALENESS, 180, **DERIVED) == 0
    assert value(found, STALENESS, 180, **of("marts", MART)) == 80
    found.gone(MART)
    assert value(found, STALENESS, 180, **of("marts", MART)) is None, "it was dropped"
    found.event(built(MART, 1, 0, 190))
    assert value(found, STALENESS, 200, **of("marts", MART)) == 100
    found.gone(RAW)
    assert value(found, STALENESS, 200, **of("staging", REJECTED)) is None


def test_delay_of_a_derived_table_is_from_the_oldest_landing_commit_that_it_newly_holds() -> None:
    found = freshness()
    found.event(landed(1, 100))
    found.event(landed(2, 130))
    found.event(built(STAGED, 1, 2, 190))
    assert value(found, DELAY, 200, **DERIVED) == 90
    found.event(commit(STAGED, 2, 300, operation="replace"))
    assert value(found, DELAY, 300, **DERIVED) == 90
    found.event(landed(3, 400))
    assert value(found, DELAY, 600, **DERIVED) == 200, "it is late already"


def test_an_objective_is_missed_while_something_is_late_and_not_when_nothing_moves() -> None:
    found = freshness()
    found.event(landed(1, 100, oldest_received_at=at(93)))
    assert value(found, DELAY, 100, **LANDING) == 7
    assert value(found, MISSED, 100 + MOVING_S, **LANDING) == 1
    assert value(found, MISSED, 101 + MOVING_S, **LANDING) == 0
    found.event(landed(2, 200, oldest_received_at=at(196)))
    assert value(found, MISSED, 200, **LANDING) == 0
    found.event(built(STAGED, 1, 2, 220))
    assert value(found, MISSED, 220, **DERIVED) == 1, "120 s after the first"
    found.event(landed(3, 1000))
    assert value(found, MISSED, 1060, **DERIVED) == 0
    assert value(found, MISSED, 1061, **DERIVED) == 1, "stale, and nothing was committed"


def test_what_cannot_be_told_of_receipts_has_no_delay() -> None:
    found = freshness()
    found.event(landed(1, 100))
    assert value(found, DELAY, 100, **LANDING) is None
    assert value(found, MISSED, 100, **LANDING) == 0


def arrivals(source: Silence, times: int, gap_s: float, begin: float = 0.0) -> float:
    for number in range(1, times + 1):
        source.event(landed(int(begin / gap_s) + number, begin + (number - 1) * gap_s))
    return begin + (times - 1) * gap_s


def test_a_silence_that_is_normal_is_learned_after_a_day_and_twenty_arrivals() -> None:
    found = ready(Silence(TABLES))
    assert value(found, SILENCE, 100, table=RAW) is None
    last = arrivals(found, 23, HOUR)
    assert value(found, EXPECTED, last, table=RAW) is None, "not a day"
    last = arrivals(found, 3, HOUR, last + HOUR)
    assert value(found, EXPECTED, last, table=RAW) == 1.5 * HOUR
    assert value(found, SILENCE, last + 60, table=RAW) == 60
    few = ready(Silence(TABLES))
    arrivals(few, 19, 6 * HOUR)
    assert value(few, EXPECTED, 0, table=RAW) is None, "not twenty"


def test_the_longest_gap_counts_for_a_week_and_half_an_hour_is_never_too_long() -> None:
    found = ready(Silence(TABLES))
    last = arrivals(found, 30, HOUR)
    last = arrivals(found, 1, HOUR, last + 10 * HOUR)
    assert value(found, EXPECTED, last + 20 * HOUR, table=RAW) == 15 * HOUR
    for minute in range(1, 8 * 24 * 60, 10):
        found.event(landed(1000 + minute, last + 60 * minute))
    assert value(found, EXPECTED, 0, table=RAW) == 1800


def test_a_declared_silence_needs_no_learning_and_moved_rows_break_none() -> None:
    found = ready(Silence(TABLES, {RAW: 26 * HOUR, "raw.other": 1.0}))
    assert value(found, EXPECTED, 0, table=RAW) == 26 * HOUR
    assert len(found.vectors(0)[EXPECTED]) == 1
    found.event(landed(1, 100))
    found.event(commit(RAW, 2, 200, operation="replace"))
    found.event(commit(RAW, 3, 300, added_rows=0))
    assert value(found, SILENCE, 400, table=RAW) == 300


def test_what_was_learned_is_kept_over_a_restart_as_json() -> None:
    found = ready(Silence(TABLES))
    last = arrivals(found, 40, HOUR)
    kept = {
        n: type(r).model_validate_json(r.model_dump_json()) for n, r in found.remembered().items()
    }
    again = ready(Silence(TABLES, remembered=kept))
    assert again.vectors(now(last + 9)) == found.vectors(now(last + 9))


def test_an_outage_of_ours_is_not_learned_as_a_silence_that_is_normal() -> None:
    """What came meanwhile was accepted, and only landed late: no source was silent."""
    found = ready(Silence(TABLES))
    last = arrivals(found, 600, 300)
    again = last + 8 * HOUR
    assert value(found, SILENCE, again, table=RAW) == 8 * HOUR
    found.event(landed(601, again, oldest_received_at=at(last + 300)))
    found.event(landed(602, again + 1, oldest_received_at=at(last + 4 * HOUR)))
    assert value(found, SILENCE, again + 1, table=RAW) == 0
    assert value(found, EXPECTED, again + 1, table=RAW) == 1800
    found.event(landed(603, again + 3 * HOUR, oldest_received_at=at(again + 3 * HOUR - 2)))
    assert value(found, EXPECTED, 0, table=RAW) == pytest.approx(4.5 * HOUR, abs=10)


def test_after_a_start_a_table_that_was_compacted_last_is_silent_since_then_at_least() -> None:
    """Else a daily export that never comes again would be missed by nobody."""
    found = Silence(TABLES, {RAW: 26 * HOUR})
    found.event(commit(RAW, 9, 100, operation="replace"))
    ready(found).event(commit(RAW, 10, 500, operation="replace"))
    assert value(found, SILENCE, 100 + 27 * HOUR, table=RAW) == 27 * HOUR
    empty = Silence(TABLES, {RAW: 26 * HOUR})
    empty.event(commit(RAW, 1, 100, operation="replace", total_rows=0))
    assert value(ready(empty), SILENCE, 200, table=RAW) is None


def test_a_target_has_failed_while_inputs_are_unprocessed() -> None:
    unprocessed = {STAGED}
    found = ready(Builds(TABLES, unprocessed.__contains__))
    assert found.event(failed(STAGED, 10, attempt=1))
    assert found.event(failed(STAGED, 20, attempt=2))
    assert not found.event(failed(STAGED, 10, attempt=1))
    assert value(found, "lakehouse_target_failed", target=STAGED) == 1
    assert value(found, "lakehouse_target_failures", target=STAGED) == 2
    unprocessed.clear()
    assert found.event(built(STAGED, 1, 1)), "another worker may have built it"
    assert value(found, "lakehouse_target_failed", target=STAGED) == 0
    unprocessed.add(STAGED)
    found.event(succeeded(STAGED, 30))
    assert value(found, "lakehouse_target_failed", target=STAGED) == 0
    assert value(found, "lakehouse_target_failures", target=STAGED) == 0
    assert not found.event(built(STAGED, 2, 2))


def test_failures_in_a_row_go_on_though_attempts_begin_anew_after_a_pause() -> None:
    """Else the alert would be over for a moment, every five minutes."""
    found = ready(Builds(TABLES, {STAGED}.__contains__))
    for seconds, attempt in ((10, 4), (20, 5), (320, 1), (320, 1), (20, 5), (321, 2)):
        found.event(failed(STAGED, seconds, attempt))
    assert value(found, "lakehouse_target_failures", target=STAGED) == 7


def test_a_build_that_only_asks_for_a_full_one_ends_no_failure() -> None:
    """Else the alert would go and come back as often as the full one fails."""
    found = ready(Builds(TABLES, {STAGED}.__contains__))
    found.event(failed(STAGED, 10, attempt=4))
    asked = succeeded(STAGED, 20).model_copy(update={"mode": "nothing", "to_be_rebuilt": True})
    assert not found.event(asked)
    assert value(found, "lakehouse_target_failed", target=STAGED) == 1
    assert value(found, "lakehouse_target_failures", target=STAGED) == 4


def test_the_first_job_ever_may_fail_and_a_command_that_fails_is_told_to_who_gave_it() -> None:
    found = ready(Maintenance())
    name, series = "lakehouse_maintenance_job_failed", {"maintenance_job": "compact", "table": RAW}
    found.event(unmaintained(RAW, 1, cause="command"))
    assert value(found, name, **series) is None
    found.event(unmaintained(RAW, 2))
    assert value(found, name, **series) == 1
    found.event(unmaintained(RAW, 3, job="expire"))
    found.event(maintained(RAW, 4, cause="command"))
    assert value(found, name, **series) == 0
    found.event(unmaintained(RAW, 2))
    assert value(found, name, **series) == 0, "told again"
    assert value(found, name, maintenance_job="expire", table=RAW) == 1


def quality(**sources: tuple[bool, float | None]) -> EntityQuality:
    return EntityQuality(
        timestamp=at(0),
        status="healthy",
        total_entity_mappings=1,
        total_unified_ids=1,
        total_cross_source_matches=0,
        source_stats=tuple(
            SourceQuality(source=name, staged=staged, coverage_pct=pct)
            for name, (staged, pct) in sources.items()
        ),
    )


def test_of_the_entity_index_nothing_is_told_that_is_not_known() -> None:
    found = ready(EntityIndex())
    found.event(maintained("semantic.entity_index", 1, "quality", status="skipped"))
    assert found.vectors(0) == {COVERAGE: {}, DUPLICATES: {}}
    report = quality(shop=(True, 80.0), pay=(True, None), crm=(False, 0.0))
    found.event(maintained("semantic.entity_index", 2, "quality", quality=report))
    expected: dict[str, Vector] = {COVERAGE: {labels(source="shop"): 80.0}, DUPLICATES: {(): 0.0}}
    assert found.vectors(0) == expected
    found.event(unmaintained("semantic.entity_index", 3, "quality"))
    found.event(maintained("semantic.entity_index", 1, "quality", status="skipped"))
    found.event(maintained(RAW, 4))
    assert found.vectors(0) == expected
    found.event(maintained("semantic.entity_index", 5, "quality", status="skipped"))
    assert found.vectors(0) == {COVERAGE: {}, DUPLICATES: {}}, "the index has gone"


def test_rows_are_counted_once_and_what_was_only_moved_is_not() -> None:
    found = LandedRows(TABLES)
    found.event(landed(1, added_rows=100))
    ready(found)
    landed_and_bad = [f"lakehouse_rows_{each}_total" for each in ("landed", "bad")]
    assert [value(found, each, table=RAW) for each in landed_and_bad] == [0, 0]
    for _ in range(2):
        found.event(landed(2, added_rows=10, errors=3))
    found.event(commit(RAW, 3, operation="replace", added_rows=50))
    assert [value(found, each, table=RAW) for each in landed_and_bad] == [10, 3]


def test_an_instance_spools_until_it_says_otherwise_and_is_forgotten_after_a_day() -> None:
    found = ready(Spool())
    name, series = "lakehouse_spool_seconds_since_used", {"ingest_instance": "i/0"}
    found.event(spooled("began", 10, 10))
    assert value(found, name, 500, **series) == 0
    found.event(spooled("ended", 600, 10))
    found.event(spooled("began", 10, 10))
    assert value(found, name, 700, **series) == 100
    assert value(found, name, 600 + GONE_AFTER_S, **series) == GONE_AFTER_S
    assert value(found, name, 601 + GONE_AFTER_S, **series) is None


def test_the_last_word_of_a_partition_counts() -> None:
    found = ready(Partitions())
    assert found.event(stopped(0, "log_replaced"))
    assert not found.event(stopped(0, "log_replaced", 3))
    assert found.event(stopped(1, "internal_error"))
    assert found.event(stopped(0, "too_many_bad_records"))
    assert found.event(resumed(1))
    assert not found.event(resumed(1))
    assert found.vectors(0) == {
        "lakehouse_partition_halted": {
            labels(topic=TOPIC, partition="0", reason="too_many_bad_records"): 1.0
        }
    }


FLOOR = "lakehouse_reader_floor_age_seconds"


def floor(source: ReaderFloors, seconds: float, table: str = RAW, reader: str = STAGED) -> Any:
    return value(source, FLOOR, seconds, table=table, reader=reader)


def test_a_reader_holds_a_floor_since_newer_rows_superseded_what_it_has_recorded() -> None:
    found = ready(ReaderFloors(TABLES))
    found.event(landed(1, 100))
    found.event(built(STAGED, 1, 1, 110))
    assert floor(found, 500) == 0
    found.event(commit(RAW, 2, 200, operation="replace"))
    assert floor(found, 500) == 0, "a compaction need not be followed at once"
    found.event(landed(3, 300))
    found.event(landed(4, 400))
    assert floor(found, 500) == 200
    found.event(built(STAGED, 2, 3, 450))
    assert floor(found, 500) == 100
    found.event(built(STAGED, 3, 4, 460))
    assert floor(found, 500) == 0
    assert floor(found, 500, STAGED, MART) is None, "it has recorded nothing"


def test_a_reader_of_a_table_that_was_made_anew_holds_the_old_one() -> None:
    found = ready(ReaderFloors(TABLES))
    found.event(landed(7, 100))
    found.event(built(STAGED, 1, 7, 110))
    found.event(landed(1, 200, uuid="another"))
    assert floor(found, 300) == 100


def test_a_reader_that_is_far_behind_is_no_younger_for_what_is_forgotten() -> None:
    found = ready(ReaderFloors(TABLES))
    found.event(landed(1, 1))
    found.event(built(STAGED, 1, 1, 1))
    for number in range(2, 2500):
        found.event(landed(number, number))
    assert floor(found, 5000) == 4998


def test_after_a_restart_a_reader_is_as_far_behind_on_a_busy_table_as_it_was_before() -> None:
    """Its own last commit is older than what is read of commits, and told when these were."""
    found = ReaderFloors(TABLES)
    for number in range(2, 2 + 13 * 120):
        found.event(landed(number, 30 * number))
    found.event(built(STAGED, 1, 1, 30))
    end = 13 * HOUR
    assert floor(ready(found), end) == 13 * HOUR - 60


def test_a_run_is_over_when_every_table_below_holds_the_commit() -> None:
    source = ready(Runs(TABLES))
    source.event(landed(1, 10))
    source.event(built(STAGED, 1, 1, 12))
    source.event(built(REJECTED, 1, 1, 13))
    assert source.vectors(now(13)) == {SUCCEEDED: {}, FAILED: {}, SECONDS: {}}
    assert source.event(built(MART, 1, 1, 15)) == {SUCCEEDED, SECONDS}
    assert value(source, SUCCEEDED, 15, dag_id="iceberg_pipeline") == now(15)
    assert value(source, SECONDS, 15, dag_id="iceberg_pipeline") == 5
    assert source.event(built(MART, 1, 1, 15)) == frozenset()


def test_a_compaction_is_no_run() -> None:
    """Else last night's success would seem to be of just now."""
    source = Runs(TABLES)
    for table in (STAGED, REJECTED, MART):
        source.event(built(table, 1, 1, 5))
    ready(source).event(landed(1, 1))
    assert source.event(commit(STAGED, 2, 900, operation="replace")) == frozenset()
    assert value(source, SUCCEEDED, 901, dag_id="iceberg_pipeline") == now(5)
    again = Runs(TABLES)
    again.event(commit(MART, 7, 900, operation="replace"))
    assert value(ready(again), SUCCEEDED, 901, dag_id="iceberg_pipeline") == now(900), "at most"


def test_a_run_that_failed_before_any_succeeded_is_told() -> None:
    source = ready(Runs(TABLES))
    source.event(landed(1, 10))
    assert source.event(failed(STAGED, 11)) == frozenset()
    assert source.event(failed(STAGED, 14, 2, will_retry=False)) == {FAILED}
    assert value(source, FAILED, 15, dag_id="iceberg_pipeline") == now(14)
    assert value(source, SUCCEEDED, 15, dag_id="iceberg_pipeline") is None


def test_after_a_start_the_last_success_is_when_nothing_was_left_open() -> None:
    source = Runs(TABLES)
    for event in (landed(7, 100), built(STAGED, 3, 7, 103), built(REJECTED, 3, 7, 104)):
        source.event(event)
    source.event(built(MART, 3, 7, 106))
    assert value(ready(source), SUCCEEDED, 200, dag_id="iceberg_pipeline") == now(106)
