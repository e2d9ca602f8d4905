"""The ledger finds every way in which rows can differ from what was accepted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

import orjson
import pyarrow as pa
import pytest

from deploy.demo.checks import check, check_derived, check_incident
from deploy.demo.derived_ledger import DerivedLedger
from deploy.demo.exports import ANNOUNCED, ExportLedger
from deploy.demo.exports import TABLE as EXPORT_TABLE
from deploy.demo.incident import EXPECTED, Incident
from deploy.demo.ledger import DEAD_LETTER_TABLE, WEBHOOK_TABLES, Ledger, count
from deploy.demo.mart_freshness import Freshness
from deploy.demo.marts import MART
from deploy.demo.recomputation import Comparison
from deploy.demo.report import Aftermath, Found, Report, report
from deploy.demo.table_cut import TableCut
from deploy.generator.mix import DEMONSTRATED, DEMONSTRATED_RATES
from deploy.generator.plan import plan
from deploy.generator.poster import Outcome
from deploy.generator.records import Record, records
from shared.runtime.log_bounds import LogBounds
from shared.tables.registry import TABLES

RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
POSTED = plan(42, topics=DEMONSTRATED, rates=DEMONSTRATED_RATES)


def answered(number: int) -> Outcome:
    """What ingest answers; to an array it tells no delivery id."""
    delivery = POSTED[number]
    array = delivery.source == "hubspot" and delivery.accepted
    told = None if array else f"id-{number}"
    return Outcome(delivery, delivery.status, told, attempts=1, unknown=0, seconds=0.01)


INCIDENT = Incident(
    outcomes=(replace(answered(0), status=200),),
    fired_s=dict.fromkeys(EXPECTED, 3.3),
    down_s=4.2,
    resolved_s=dict.fromkeys(EXPECTED, 1.1),
)

OUTCOMES = [answered(number) for number in range(len(POSTED))]
EVENTS = [(one, record) for one in OUTCOMES for record in records(one.delivery)]
LETTERS = [(one, body) for one in OUTCOMES for body in one.delivery.dead_letters]
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
        ("_key", pa.utf8()),
        ("_payload", pa.utf8()),
        ("_error", pa.utf8()),
        ("_drift", pa.utf8()),
    ]
)
LETTER_SCHEMA = pa.schema(
    [("delivery_id", pa.utf8()), ("topic", pa.utf8()), ("value", pa.binary())]
)
VISIBLE_SCHEMA = pa.schema(
    [
        *list(RAW_SCHEMA)[:5],
        pa.field("_snapshot_id", pa.int64()),
        pa.field("_committed_at", pa.timestamp("us", "UTC")),
    ]
)


EXPORT = ExportLedger(
    {"events": 9, "rows": 9, "lost": 0, "doubled": 0, "unasked": 0, "offsets": ANNOUNCED},
    altered=0,
    errors=0,
)
FRESH = Freshness({"p50": 1.0, "p99": 2.0, "max": 2.5}, 7, not_reached=0, upper_bound=False)


def derived(missing: int = 0, unasked: int = 0, fresh: Freshness = FRESH) -> DerivedLedger:
    """A mart of 40 rows that count 70 orders; so many rows differ."""
    wrong = ({"date_key": date(2026, 6, 1)},) if missing or unasked else ()
    table = Comparison(MART, 40, 40 + missing - unasked, missing, unasked, wrong)
    return DerivedLedger((table,), date(2026, 6, 2), 70, fresh)


def landed(record: Record) -> str:
    """A form is JSON by then, with more in it than was posted."""
    if record.body is not None:
        return record.body.decode()
    return orjson.dumps({**(record.fields or {}), "subscriber_id": "flat"}).decode()


def honest_rows() -> Rows:
    return [
        {
            "_topic": record.topic,
            "_partition": 0,
            "_offset": offset,
            "_delivery_id": one.delivery_id or f"event-{offset}",
            "_received_at": RECEIVED,
            "_event_id": record.event_id or f"hash-{offset}",
            "_event_type": record.event_type,
            "_key": record.key or "somebody",
            "_payload": landed(record),
            "_error": None,
            "_drift": "livemode" if record.drift else None,
        }
        for offset, (one, record) in enumerate(EVENTS)
    ]


def at(topic: str) -> int:
    """Place of a row of that topic."""
    return next(n for n, (_, record) in enumerate(EVENTS) if record.topic == topic)


def honest_letters() -> Rows:
    return [
        {
            "delivery_id": one.delivery_id or f"event-{number}",
            "topic": one.delivery.topic,
            "value": body,
        }
        for number, (one, body) in enumerate(LETTERS)
    ]


def ledger(
    rows: Rows, letters: Rows | None = None, outcomes: list[Outcome] | None = None
) -> Ledger:
    kept = honest_letters() if letters is None else letters
    dead = TableCut(
        DEAD_LETTER_TABLE,
        8,
        pa.Table.from_pylist(kept, LETTER_SCHEMA),
        VISIBLE_SCHEMA.empty_table(),
    )
    cuts, ends = [], {("dlq.ingestion-errors", 0): LogBounds(0, len(kept))}
    for name in WEBHOOK_TABLES:
        [topic] = TABLES[name].topics
        held = [row for row in rows if row["_topic"] == topic]
        ends[topic, 0] = LogBounds(0, len(held))
        cuts.append(TableCut(name, 7, pa.Table.from_pylist(held, RAW_SCHEMA), visible(held)))
    strange = [row for row in rows if row["_topic"] == "stripe.elsewhere"]
    cuts[0] = replace(
        cuts[0],
        rows=pa.concat_tables([cuts[0].rows, pa.Table.from_pylist(strange, RAW_SCHEMA)]),
    )
    return count(cuts, dead, outcomes or OUTCOMES, ends)


def visible(rows: Rows) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                **{name: row[name] for name in RAW_SCHEMA.names[:5]},
                "_snapshot_id": 7,
                "_committed_at": RECEIVED + timedelta(milliseconds=10 * row["_offset"]),
            }
            for row in rows
        ],
        VISIBLE_SCHEMA,
    )


def failed(found: Ledger, outcomes: list[Outcome] | None = None) -> set[str]:
    return {one.name for one in check(outcomes or OUTCOMES, found) if not one.ok}


def test_an_honest_platform_passes() -> None:
    found = ledger(honest_rows())

    assert failed(found) == set()
    assert found.counts["events"] == found.counts["raw"] == found.counts["offsets"] == len(EVENTS)
    assert found.counts["deliveries"] == sum(one.accepted for one in OUTCOMES) < len(EVENTS)
    assert found.counts["lost"] == found.counts["duplicated"] == 0
    assert list(found.tables) == sorted(WEBHOOK_TABLES)
    for each in found.tables.values():
        assert each["events"] == each["rows"] == each["offsets"] > 0
        assert each["lost"] == each["doubled"] == each["unasked"] == 0
    assert found.dead_letters == {"expected": len(LETTERS), "kept": len(LETTERS), "unasked": 0}
    told = [one for one in OUTCOMES if one.accepted and one.delivery_id]
    assert found.trace["delivery_id"] == told[-1].delivery_id
    assert found.trace["snapshot_id"] == 7


def test_freshness_is_commit_time_less_receipt_over_all_rows() -> None:
    found = ledger(honest_rows()).freshness

    last = (len(EVENTS) - 1) / 100
    assert found["p50"] == pytest.approx(last / 2)
    assert found["p99"] == pytest.approx(last * 0.99)
    assert found["max"] == pytest.approx(last)


def test_a_lost_row_of_any_table_is_found_and_the_table_named() -> None:
    gone = {at(topic) for topic in DEMONSTRATED}
    found = ledger([row for number, row in enumerate(honest_rows()) if number not in gone])

    assert {each["lost"] for each in found.tables.values()} == {1}
    assert {"nothing is lost", "accepted events = raw rows"} <= failed(found)
    [told] = [one.found for one in check(OUTCOMES, found) if one.name == "nothing is lost"]
    assert all(table in told for table in WEBHOOK_TABLES)


def test_a_row_twice_in_any_table_is_found_and_the_table_named() -> None:
    rows = honest_rows()
    again = [
        {**rows[at(topic)], "_offset": len(rows) + number}
        for number, topic in enumerate(DEMONSTRATED)
    ]

    found = ledger([*rows, *again])

    assert {each["doubled"] for each in found.tables.values()} == {1}
    assert found.counts["lost"] == found.counts["unasked"] == 0
    assert "nothing is duplicated" in failed(found)


def test_an_offset_consumed_twice_is_found() -> None:
    rows = honest_rows()
    first = at("shopify.orders")
    second = next(
        n for n, row in enumerate(rows) if n > first and row["_topic"] == "shopify.orders"
    )
    rows[second]["_offset"] = rows[first]["_offset"]

    assert "raw rows = offsets advanced" in failed(ledger(rows))


@pytest.mark.parametrize("topic", ["shopify.orders", "hubspot.contacts", "mailchimp.subscribers"])
def test_a_lost_and_a_doubled_row_do_not_cancel_out(topic: str) -> None:
    rows = honest_rows()
    first = at(topic)
    second = next(n for n, row in enumerate(rows) if n > first and row["_topic"] == topic)
    rows[second] = {**rows[first], "_offset": rows[second]["_offset"]}

    found = ledger(rows)

    assert found.counts["raw"] == found.counts["events"]
    assert {"nothing is lost", "nothing is duplicated"} <= failed(found)


def test_an_event_that_an_array_held_twice_must_be_two_rows() -> None:
    """HubSpot's retry of an array is told by its attempt; a row for each must be there."""
    ids = [record.event_id for _, record in EVENTS if record.topic == "hubspot.contacts"]
    repeated = next(identity for identity in ids if ids.count(identity) == 2)
    rows = honest_rows()
    first = next(n for n, row in enumerate(rows) if row["_event_id"] == repeated)

    found = ledger(rows[:first] + rows[first + 1 :])

    assert found.counts["lost"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"_payload": "{}"},
        {"_payload": None},
        {"_event_id": "another"},
        {"_event_type": None},
        {"_key": "another"},
        {"_topic": "stripe.elsewhere"},
        {"_error": "invalid_json"},
    ],
)
def test_a_row_that_is_not_what_was_posted_is_found(wrong: Mapping[str, Any]) -> None:
    rows = honest_rows()
    rows[at("shopify.customers")] |= wrong

    assert "every row holds what was posted" in failed(ledger(rows))


@pytest.mark.parametrize("wrong", [{"_payload": "{}"}, {"_event_type": None}, {"_key": "1"}])
def test_an_event_of_an_array_that_is_not_what_was_posted_is_found(
    wrong: Mapping[str, Any],
) -> None:
    rows = honest_rows()
    rows[at("hubspot.deals")] |= wrong

    assert "every row holds what was posted" in failed(ledger(rows))


def test_a_form_of_which_a_field_is_lacking_is_found() -> None:
    rows = honest_rows()
    form = next(n for n, (_, record) in enumerate(EVENTS) if record.fields is not None)
    stored = orjson.loads(rows[form]["_payload"])
    stored["data"].popitem()
    rows[form]["_payload"] = orjson.dumps(stored).decode()

    found = ledger(rows)

    assert found.counts["altered_forms"] == 1
    assert "every row holds what was posted" in failed(found)


@pytest.mark.parametrize("said", [True, False])
def test_a_value_that_fits_no_column_and_is_not_named_is_found(said: bool) -> None:
    rows = honest_rows()
    place = next(n for n, row in enumerate(rows) if (row["_drift"] is None) is said)
    rows[place]["_drift"] = "total_price" if said else None

    assert failed(ledger(rows)) == {"values that fit no column are named, and no others"}


def test_a_row_that_nobody_was_promised_is_found() -> None:
    rows = honest_rows()
    extra = {**rows[0], "_offset": len(rows), "_delivery_id": "nobody"}

    assert "accepted events = raw rows" in failed(ledger([*rows, extra]))


def test_an_unanswered_post_may_have_become_a_row() -> None:
    rows = honest_rows()
    extra = {**rows[0], "_offset": len(rows), "_delivery_id": "unanswered"}
    outcomes = [replace(OUTCOMES[0], attempts=2, unknown=1), *OUTCOMES[1:]]

    assert failed(ledger([*rows, extra], outcomes=outcomes), outcomes) == set()


def test_the_event_of_an_array_that_was_no_event_must_be_kept() -> None:
    letters = honest_letters()
    place = next(number for number, (one, _) in enumerate(LETTERS) if one.accepted)
    letters[place]["value"] += b" "

    found = ledger(honest_rows(), letters)

    assert failed(found) == {"everything unusable is kept as a dead letter"}
    assert found.dead_letters["unasked"] == 1


def test_a_dead_letter_of_an_announced_file_is_no_webhooks() -> None:
    told = {"delivery_id": "file", "topic": "ga4.exports", "value": b"{}"}

    assert ledger(honest_rows(), [*honest_letters(), told]).dead_letters["unasked"] == 0
    told["topic"] = "stripe.events"
    assert ledger(honest_rows(), [*honest_letters(), told]).dead_letters["unasked"] == 1


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_dead_letter_missing_or_altered_is_found(damage: str) -> None:
    letters = honest_letters()
    if damage == "missing":
        letters.pop()
    else:
        letters[0]["value"] = b"something else"

    name = "everything unusable is kept as a dead letter"
    assert name in failed(ledger(honest_rows(), letters))


def reported(
    outcomes: Sequence[Outcome],
    found: Ledger,
    built: DerivedLedger,
    seconds: Mapping[str, float] = MappingProxyType({}),
) -> Report:
    """The report of a demonstration whose incident went well."""
    aftermath = Aftermath(INCIDENT, found, built)
    return report(11, Found(outcomes, found, EXPORT, built), aftermath, seconds, "somewhere")


def test_a_wrong_answer_is_found_and_makes_the_report_fail() -> None:
    outcomes = [replace(OUTCOMES[0], status=500), *OUTCOMES[1:]]

    made = reported(outcomes, ledger(honest_rows(), outcomes=outcomes), derived())

    assert not made.ok
    assert "was answered 500, not 200" in made.failed[0].found


def test_the_report_has_the_promised_keys() -> None:
    made = reported(OUTCOMES, ledger(honest_rows()), derived(), {"total": 1.234})

    body = made.model_dump(mode="json")
    assert body["ok"] is True
    assert body["ledger"].keys() >= {"events", "raw", "lost", "duplicated", "offsets"}
    assert set(body["tables"]) == {*WEBHOOK_TABLES, EXPORT_TABLE}
    assert body["freshness_s"]["raw"].keys() >= {"p50", "p99"}
    assert body["freshness_s"]["mart"] == {"p50": 1.0, "p99": 2.0, "max": 2.5}
    assert body["freshness_upper_bound"] == []
    assert (body["marts"]["equal"], body["marts"]["orders"]) == (True, 70)
    assert body["marts"]["tables"][MART].items() >= {"rows": 40, "equal": True}.items()
    assert body["deliveries"] == 920


@pytest.mark.parametrize(("missing", "unasked"), [(1, 0), (0, 1)])
def test_a_derived_row_that_differs_is_shown_and_makes_the_report_fail(
    missing: int, unasked: int
) -> None:
    found = derived(missing, unasked)

    made = reported(OUTCOMES, ledger(honest_rows()), found)

    assert not made.ok
    assert made.marts["equal"] is False
    assert "2026" in made.failed[0].found
    assert MART in made.failed[0].found


def test_a_record_that_no_mart_snapshot_holds_is_found() -> None:
    found = derived(fresh=replace(FRESH, not_reached=1))

    assert [one.ok for one in check_derived(found)] == [True, False]


def test_thinned_snapshots_make_freshness_an_upper_bound() -> None:
    found = derived(fresh=replace(FRESH, upper_bound=True))

    made = reported(OUTCOMES, ledger(honest_rows()), found)

    assert made.freshness_upper_bound == ("mart",)


@cache
def honest() -> Ledger:
    return ledger(honest_rows())


def incident_checks(happened: Incident, found: Ledger) -> list[bool]:
    """Whether alerts fired, webhooks were accepted, alerts were over, and nothing is lost."""
    return [each.ok for each in check_incident(OUTCOMES, happened, found, derived())]


@pytest.mark.parametrize(
    ("wrong", "holding"),
    [
        ({}, [True, True, True, True]),
        ({"fired_s": {EXPECTED[0]: 3.3}}, [False, True, True, True]),
        ({"outcomes": ()}, [True, False, True, True]),
        ({"outcomes": (replace(answered(0), status=503),)}, [True, False, True, True]),
        ({"outcomes": (replace(answered(0), unknown=1),)}, [True, False, True, True]),
        ({"resolved_s": {EXPECTED[1]: 1.0}}, [True, True, False, True]),
    ],
)
def test_an_incident_that_went_otherwise_fails(wrong: dict[str, Any], holding: list[bool]) -> None:
    assert incident_checks(replace(INCIDENT, **wrong), honest()) == holding


def test_what_is_lost_in_the_incident_is_found() -> None:
    assert incident_checks(INCIDENT, ledger(honest_rows()[1:])) == [True, True, True, False]


def test_the_report_tells_the_incident() -> None:
    told = reported(OUTCOMES, honest(), derived(), {"recover": 7.0}).incident
    assert told["fired_s"] == dict.fromkeys(EXPECTED, 3.3)
    assert (told["accepted"], told["posted"], told["down_s"]) == (1, 1, 4.2)
    assert (told["recovered_s"], told["lost"], told["doubled"]) == (7.0, 0, 0)
