"""Each promise that is broken is named; a run that keeps all of them is clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from tests.soak.growth import JUDGED_FROM_S, growths
from tests.soak.judge import Evidence, judge
from tests.soak.ledger import Entry, Ledger, LedgerReader
from tests.soak.outcomes import Maintenance, totals
from tests.soak.rows import KEYED, LANDING, Identity
from tests.soak.sampling import Sample
from tests.soak.stored import Stored
from tests.soak.witness import Comparison, account, compare

TABLE = KEYED.name
SECONDS = 1800.0
FINE = Comparison(TABLE, 7, True, 100)
SAMPLE = Sample(0.0, 12, 3, 400_000, 60, 20, 90_000, 0.1)
STORED = Stored(900, 9_000_000, 11, 90_000, (), 0, (), 40)
MAINTAINED = Maintenance(Counter(compact=300, expire=20))


def landed(sequence: int, at: float) -> Entry:
    return Entry("swap", TABLE, at, at + 0.1, sequence, added=[(sequence, 0)])


CLEAN = Evidence(
    seconds=SECONDS,
    entries={"swap": [landed(number, float(number)) for number in range(1, 40)]},
    maintenance=MAINTAINED,
    comparisons=[FINE],
    samples={TABLE: [SAMPLE] * 30},
    stored={TABLE: [STORED] * 30},
)


def broken(evidence: Evidence) -> list[str]:
    return [each.promise for each in judge(evidence)]


def test_a_run_that_keeps_all_promises_is_clean() -> None:
    assert broken(CLEAN) == []


@pytest.mark.parametrize(
    ("found", "promise"),
    [
        (replace(FINE, lost=1), "no row is lost"),
        (replace(FINE, resurrected=1), "no row is resurrected"),
        (replace(FINE, doubled=1), "no row is doubled"),
        (replace(FINE, altered=1), "no row is altered"),
    ],
    ids=["lost", "resurrected", "doubled", "altered"],
)
def test_rows_that_differ_once_are_named_whatever_came_later(
    found: Comparison, promise: str
) -> None:
    assert broken(replace(CLEAN, comparisons=[FINE, found, FINE])) == [promise]


def test_a_run_in_which_no_rows_were_compared_proves_nothing() -> None:
    assert broken(replace(CLEAN, comparisons=[])) == ["rows are compared"]


@pytest.mark.parametrize(
    ("told", "promise"),
    [
        (replace(MAINTAINED, attempts_wasted=1, bytes_wasted=9), "no rewrite is abandoned"),
        (replace(MAINTAINED, failures=("compact of …",)), "no maintenance fails"),
        (replace(MAINTAINED, undeleted=1), "no maintenance fails"),
        (replace(MAINTAINED, jobs=Counter(expire=1)), "tables are maintained"),
    ],
    ids=["wasted", "failed", "undeleted", "idle"],
)
def test_maintenance_that_did_not_go_well(told: Maintenance, promise: str) -> None:
    assert broken(replace(CLEAN, maintenance=told)) == [promise]


@pytest.mark.parametrize(
    "entries",
    [
        [landed(1, 0.0), Entry("swap", TABLE, 1.0, 2.0, error="Unavailable: no"), landed(2, 3.0)],
        [landed(1, 0.0), landed(2, 90.0)],
        [],
    ],
    ids=["raised", "a pause", "nothing"],
)
def test_appends_that_fail_or_do_not_come(entries: Sequence[Entry]) -> None:
    assert broken(replace(CLEAN, entries={"swap": entries})) == ["no append fails"]


def test_a_stream_that_ends_long_before_another() -> None:
    on_and_on = [landed(number, 30.0 * number) for number in range(1, 5)]
    early = {"swap": on_and_on, "append": [landed(1, 1.0)]}
    assert broken(replace(CLEAN, entries=early)) == ["no append fails"]
    late = {"swap": on_and_on, "append": [landed(1, 1.0), landed(2, 61.0)]}
    assert broken(replace(CLEAN, entries=late)) == []


def test_conflicts_that_a_commit_repeats_itself_are_no_failures() -> None:
    entries = [replace(landed(n, float(n)), conflicts=3, unknowns=1, plans=2) for n in (1, 2)]
    assert broken(replace(CLEAN, entries={"swap": entries})) == []


def test_a_writer_that_dies() -> None:
    assert broken(replace(CLEAN, died=["builder ended with 1"])) == ["no writer dies"]


def test_a_named_file_that_is_gone_once_is_named() -> None:
    looks = [STORED, replace(STORED, missing=["s3://a"]), STORED]
    assert broken(replace(CLEAN, stored={TABLE: looks})) == ["what is named is there"]


def test_what_is_left_over_in_the_end_is_named_and_what_went_late_is_not() -> None:
    left = replace(STORED, left_over=["s3://a"])
    assert broken(replace(CLEAN, stored={TABLE: [left, STORED]})) == []
    assert broken(replace(CLEAN, stored={TABLE: [STORED, left]})) == ["what nothing names goes"]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *(("data_files", 3), ("delete_files", 2), ("snapshots", 4), ("manifests", 8)),
        *(("metadata_bytes", 8_000), ("planning_s", 0.05)),
    ],
)
def test_what_grows_all_the_time(name: str, step: float) -> None:
    samples = [replace(SAMPLE, **{name: getattr(SAMPLE, name) + n * step}) for n in range(30)]
    assert set(broken(replace(CLEAN, samples={TABLE: samples}))) == {"nothing grows without end"}


def test_full_files_may_come_as_rows_do() -> None:
    samples = [
        replace(SAMPLE, data_files=12 + number, live_bytes=number * 256 * 2**10)
        for number in range(30)
    ]
    assert broken(replace(CLEAN, samples={TABLE: samples})) == []


def test_a_short_run_is_held_to_its_ceilings_alone() -> None:
    filling = [replace(SAMPLE, delete_files=number) for number in range(40)]
    short = replace(CLEAN, seconds=JUDGED_FROM_S - 1, samples={TABLE: filling})
    assert broken(short) == []
    beyond = [*filling, replace(SAMPLE, delete_files=200)]
    assert broken(replace(short, samples={TABLE: beyond})) == ["nothing grows without end"]


def test_thirds_are_medians_of_the_first_and_last_samples() -> None:
    samples = [replace(SAMPLE, manifests=number) for number in (1, 2, 9, 50, 3, 4)]
    found = {each.name: each for each in growths(TABLE, SECONDS, samples, [])}
    assert (found["manifests"].first, found["manifests"].last) == (1.5, 3.5)
    assert found["manifests"].most == 50


# -- what the judge is told ------------------------------------------------------------------------

ROWS: tuple[Identity, ...] = ((1, 0), (2, 3), (5, 0))


def compared(rows: pa.Table) -> tuple[int, int, int, int]:
    found = compare(KEYED, 7, rows, frozenset(ROWS), head=True)
    return found.lost, found.resurrected, found.doubled, found.altered


def test_rows_in_any_order_are_those_that_were_written() -> None:
    one = compare(KEYED, 7, KEYED.rows(ROWS), frozenset(ROWS), head=True)
    other = compare(KEYED, 7, KEYED.rows(ROWS[::-1]), frozenset(ROWS), head=True)
    assert (one.lost, one.resurrected, one.doubled, one.altered) == (0, 0, 0, 0)
    assert one == other


def test_each_kind_of_difference_is_counted() -> None:
    assert compared(KEYED.rows(ROWS[1:])) == (1, 0, 0, 0)
    assert compared(KEYED.rows([*ROWS, (2, 2)])) == (0, 1, 0, 0)
    assert compared(KEYED.rows([*ROWS, (5, 0)])) == (0, 0, 1, 0)
    rows = KEYED.rows(ROWS)
    at = rows.schema.get_field_index("currency")
    currencies = pa.array(["EUR", "XXX", "EUR"], pa.large_string())
    other = rows.set_column(at, rows.schema.field(at), currencies)
    assert compared(other) == (0, 0, 0, 1)
    assert compared(KEYED.rows([])) == (3, 0, 0, 0)


def test_the_account_is_that_of_the_pinned_version() -> None:
    entries = [
        Entry("append", TABLE, 0.0, 0.0, 1, added=[(1, 0), (2, 0)]),
        Entry("swap", TABLE, 0.0, 0.0, 3, added=[(1, 1)], removed=[(1, 0)]),
        Entry("swap", TABLE, 0.0, 0.0, 4, removed=[(2, 0)]),
    ]
    assert account(entries, 2) == {(1, 0), (2, 0)}
    assert account(entries, 3) == {(1, 1), (2, 0)}
    assert account(entries, 9) == {(1, 1)}


def test_a_writer_that_reads_a_row_that_was_gone_is_noticed() -> None:
    entries = [
        Entry("append", TABLE, 0.0, 0.0, 1, added=[(1, 0)]),
        Entry("swap", TABLE, 0.0, 0.0, 2, removed=[(1, 0)]),
        Entry("swap", TABLE, 0.0, 0.0, 3, removed=[(1, 0)]),
    ]
    with pytest.raises(ValueError, match="gone already"):
        account(entries, 3)


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "swap")
    reader = LedgerReader(tmp_path, ["swap", "append"])
    entry = replace(landed(4, 10.0), removed=[(1, 0)], given_up=["s3://left"])
    ledger.note(entry)
    ledger.failed(TABLE, 11.0, OSError("away"))
    reader.look()
    reader.look()
    assert reader.entries["swap"][0] == entry
    assert reader.entries["swap"][1].error == "OSError: away"
    assert reader.of(TABLE) == [entry]
    assert reader.given_up() == {"s3://left"}
    assert reader.known_since(TABLE, ["swap"], 10.0)
    assert not reader.known_since(TABLE, ["swap"], 10.5), "a failed commit may still land"
    assert not reader.known_since(TABLE, ["swap", "append"], 0.0)


def test_outcomes_of_other_tables_count_where_they_failed() -> None:
    now = datetime.now(UTC)
    done = MaintenanceSucceeded(
        job_id="1",
        job="compact",
        table=LANDING.name,
        status="succeeded",
        cause="policy",
        attempts_wasted=2,
        bytes_wasted=70,
        bytes_freed=5,
        seconds=1.0,
        succeeded_at=now,
    )
    failed = MaintenanceFailed(
        job_id="2",
        job="expire",
        table="raw.shopify_orders",
        cause="timer",
        attempt=1,
        error_type="Unavailable",
        error="away",
        seconds=1.0,
        will_retry=True,
        failed_at=now,
    )
    elsewhere = done.model_copy(update={"table": "raw.shopify_orders"})
    found = totals([done, failed, elsewhere], [LANDING.name])
    assert found.jobs == {"compact": 1}
    assert (found.attempts_wasted, found.bytes_wasted, found.bytes_freed) == (2, 70, 5)
    assert found.failures == ("expire of raw.shopify_orders: Unavailable: away",)
