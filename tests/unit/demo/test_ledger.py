"""The ledger finds every way in which rows can differ from what was accepted."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from deploy.demo.checks import check, check_derived
from deploy.demo.derived_ledger import DerivedLedger
from deploy.demo.ledger import DEAD_LETTER_TABLE, Ledger, count
from deploy.demo.mart_freshness import Freshness
from deploy.demo.marts import MART
from deploy.demo.recomputation import Comparison
from deploy.demo.report import report
from deploy.demo.table_cut import TableCut
from deploy.generator.plan import plan
from deploy.generator.poster import Outcome
from shared.runtime.log_bounds import LogBounds

RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
OUTCOMES = [
    Outcome(delivery, delivery.status, f"id-{number}", attempts=1, unknown=0, seconds=0.01)
    for number, delivery in enumerate(plan(11, 100))
]
ACCEPTED = [outcome for outcome in OUTCOMES if outcome.accepted]
REFUSED = [outcome for outcome in OUTCOMES if outcome.delivery.dead_letter]
Rows = list[dict[str, Any]]

RAW_SCHEMA = pa.schema(
    [
        ("_topic", pa.utf8()),
        ("_partition", pa.int32()),
        ("_offset", pa.int64()),
        ("_delivery_id", pa.utf8()),
        ("_received_at", pa.timestamp("us", "UTC")),
        ("_event_id", pa.utf8()),
        ("_event_type", pa.utf8()),
        ("_payload", pa.utf8()),
        ("_error", pa.utf8()),
    ]
)
LETTER_SCHEMA = pa.schema([("delivery_id", pa.utf8()), ("value", pa.utf8())])
VISIBLE_SCHEMA = pa.schema(
    [
        *list(RAW_SCHEMA)[:5],
        pa.field("_snapshot_id", pa.int64()),
        pa.field("_committed_at", pa.timestamp("us", "UTC")),
    ]
)


FRESH = Freshness({"p50": 1.0, "p99": 2.0, "max": 2.5}, 7, not_reached=0, upper_bound=False)


def derived(missing: int = 0, unasked: int = 0, fresh: Freshness = FRESH) -> DerivedLedger:
    """A mart of 40 rows that count 70 orders; so many rows differ."""
    wrong = ({"date_key": date(2026, 6, 1)},) if missing or unasked else ()
    table = Comparison(MART, 40, 40 + missing - unasked, missing, unasked, wrong)
    return DerivedLedger((table,), date(2026, 6, 2), 70, fresh)


def honest_rows() -> Rows:
    return [
        {
            "_topic": one.delivery.topic,
            "_partition": 0,
            "_offset": offset,
            "_delivery_id": one.delivery_id,
            "_received_at": RECEIVED,
            "_event_id": one.delivery.event_id,
            "_event_type": one.delivery.event_type,
            "_payload": one.delivery.body.decode(),
            "_error": None,
        }
        for offset, one in enumerate(ACCEPTED)
    ]


def honest_letters() -> Rows:
    return [
        {
            "delivery_id": one.delivery_id,
            "value": base64.b64encode(one.delivery.body).decode(),
        }
        for one in REFUSED
    ]


def ledger(
    rows: Rows, letters: Rows | None = None, outcomes: list[Outcome] | None = None
) -> Ledger:
    visible = [
        {
            **{name: row[name] for name in RAW_SCHEMA.names[:5]},
            "_snapshot_id": 7,
            "_committed_at": RECEIVED + timedelta(milliseconds=10 * index),
        }
        for index, row in enumerate(rows)
    ]
    raw = TableCut(
        "raw.everything",
        7,
        pa.Table.from_pylist(rows, RAW_SCHEMA),
        pa.Table.from_pylist(visible, VISIBLE_SCHEMA),
    )
    kept = honest_letters() if letters is None else letters
    dead = TableCut(
        DEAD_LETTER_TABLE,
        8,
        pa.Table.from_pylist(kept, LETTER_SCHEMA),
        VISIBLE_SCHEMA.empty_table(),
    )
    ends = {
        ("shopify.orders", 0): LogBounds(0, len(rows)),
        ("dlq.ingestion-errors", 0): LogBounds(0, len(kept)),
    }
    return count([raw], dead, outcomes or OUTCOMES, ends)


def failed(found: Ledger, outcomes: list[Outcome] | None = None) -> set[str]:
    return {one.name for one in check(outcomes or OUTCOMES, found) if not one.ok}


def test_an_honest_platform_passes() -> None:
    found = ledger(honest_rows())

    assert failed(found) == set()
    assert found.counts["accepted"] == found.counts["raw"] == len(ACCEPTED)
    assert found.counts["lost"] == found.counts["duplicated"] == 0
    assert found.tables == {"raw.everything": len(ACCEPTED), DEAD_LETTER_TABLE: len(REFUSED)}
    assert found.trace["delivery_id"] == ACCEPTED[-1].delivery_id
    assert found.trace["snapshot_id"] == 7


def test_freshness_is_commit_time_less_receipt_over_all_rows() -> None:
    found = ledger(honest_rows()).freshness

    last = (len(ACCEPTED) - 1) / 100
    assert found["p50"] == pytest.approx(last / 2)
    assert found["p99"] == pytest.approx(last * 0.99)
    assert found["max"] == pytest.approx(last)


def test_a_lost_row_is_found() -> None:
    found = ledger(honest_rows()[:-1])

    assert found.counts["lost"] == 1
    assert {"nothing is lost", "accepted deliveries = raw rows"} <= failed(found)


def test_a_row_twice_is_found() -> None:
    rows = honest_rows()
    again = {**rows[0], "_offset": len(rows)}

    found = ledger([*rows, again])

    assert found.counts["duplicated"] == 1
    assert "nothing is duplicated" in failed(found)


def test_an_offset_consumed_twice_is_found() -> None:
    rows = honest_rows()
    rows[1] = {**rows[1], "_offset": rows[0]["_offset"], "_topic": rows[0]["_topic"]}

    assert "raw rows = offsets advanced" in failed(ledger(rows))


def test_a_lost_and_a_doubled_row_do_not_cancel_out() -> None:
    rows = honest_rows()
    rows[1] = {**rows[0], "_offset": rows[1]["_offset"]}

    found = ledger(rows)

    assert found.counts["raw"] == found.counts["accepted"]
    assert {"nothing is lost", "nothing is duplicated"} <= failed(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"_payload": "{}"},
        {"_payload": None},
        {"_event_id": "another"},
        {"_event_type": None},
        {"_topic": "stripe.elsewhere"},
        {"_error": "invalid_json"},
    ],
)
def test_a_row_that_is_not_what_was_posted_is_found(wrong: Mapping[str, Any]) -> None:
    rows = honest_rows()
    rows[3] |= wrong

    assert "every row holds the bytes that were posted" in failed(ledger(rows))


def test_a_row_that_nobody_was_promised_is_found() -> None:
    rows = honest_rows()
    extra = {**rows[0], "_offset": len(rows), "_delivery_id": "nobody"}

    assert "accepted deliveries = raw rows" in failed(ledger([*rows, extra]))


def test_an_unanswered_post_may_have_become_a_row() -> None:
    rows = honest_rows()
    extra = {**rows[0], "_offset": len(rows), "_delivery_id": "unanswered"}
    outcomes = [replace(OUTCOMES[0], attempts=2, unknown=1), *OUTCOMES[1:]]

    assert failed(ledger([*rows, extra], outcomes=outcomes), outcomes) == set()


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_dead_letter_missing_or_altered_is_found(damage: str) -> None:
    letters = honest_letters()
    if damage == "missing":
        letters.pop()
    else:
        letters[0]["value"] = base64.b64encode(b"something else").decode()

    name = "every unusable body is kept as a dead letter"
    assert name in failed(ledger(honest_rows(), letters))


def test_a_wrong_answer_is_found_and_makes_the_report_fail() -> None:
    outcomes = [replace(OUTCOMES[0], status=500), *OUTCOMES[1:]]

    made = report(
        11, outcomes, ledger(honest_rows(), outcomes=outcomes), derived(), {}, "somewhere"
    )

    assert not made.ok
    assert "was answered 500, not 200" in made.failed[0].found


def test_the_report_has_the_promised_keys() -> None:
    made = report(11, OUTCOMES, ledger(honest_rows()), derived(), {"total": 1.234}, "somewhere")

    body = made.model_dump(mode="json")
    assert body["ok"] is True
    assert body["ledger"].keys() >= {"accepted", "raw", "lost", "duplicated", "offsets"}
    assert body["tables"] == {"raw.everything": len(ACCEPTED), DEAD_LETTER_TABLE: len(REFUSED)}
    assert body["freshness_s"]["raw"].keys() >= {"p50", "p99"}
    assert body["freshness_s"]["mart"] == {"p50": 1.0, "p99": 2.0, "max": 2.5}
    assert body["freshness_upper_bound"] == []
    assert (body["marts"]["equal"], body["marts"]["orders"]) == (True, 70)
    assert body["marts"]["tables"][MART].items() >= {"rows": 40, "equal": True}.items()
    assert body["deliveries"] == 100


@pytest.mark.parametrize(("missing", "unasked"), [(1, 0), (0, 1)])
def test_a_derived_row_that_differs_is_shown_and_makes_the_report_fail(
    missing: int, unasked: int
) -> None:
    found = derived(missing, unasked)

    made = report(11, OUTCOMES, ledger(honest_rows()), found, {}, "somewhere")

    assert not made.ok
    assert made.marts["equal"] is False
    assert "2026" in made.failed[0].found
    assert MART in made.failed[0].found


def test_a_record_that_no_mart_snapshot_holds_is_found() -> None:
    found = derived(fresh=replace(FRESH, not_reached=1))

    assert [one.ok for one in check_derived(found)] == [True, False]


def test_thinned_snapshots_make_freshness_an_upper_bound() -> None:
    found = derived(fresh=replace(FRESH, upper_bound=True))

    made = report(11, OUTCOMES, ledger(honest_rows()), found, {}, "somewhere")

    assert made.freshness_upper_bound == ("mart",)
