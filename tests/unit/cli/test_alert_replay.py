"""Records of topics as happenings: what was known when evaluation begins, and nothing of later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from shared.alerting.signals.dead_letters import SEEN
from shared.alerting.signals.every import Sources
from shared.alerting.signals.tables import FILES
from shared.cli.alert_past import Record
from shared.cli.alert_replay import SignalSettings, happenings, lead, sources_of
from shared.cli.alert_rules import rules
from shared.contracts.dead_letters import TOPIC_HEADER
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, DEAD_LETTERS, TABLES

BEGIN = 1_800_000_000.0
ORDERS, CHARGES = "raw.shopify_orders", "raw.stripe_charges"


def committed(topic: str, table: str, number: int, at: float, files: int) -> Record:
    event = TableCommitted(
        table=table,
        uuid="01a2",
        snapshot_id=number,
        parent_snapshot_id=None,
        sequence_number=number,
        operation="append",
        committed_at=datetime.fromtimestamp(at, UTC),
        total_files=files,
    )
    key, value, headers = event.encode()
    return Record(at, topic, SimpleNamespace(key=key, value=value, headers=headers))


def gone(table: str, at: float) -> Record:
    return Record(at, TABLES, SimpleNamespace(key=table.encode(), value=None, headers=[]))


def letter(number: int, at: float) -> Record:
    """Its value is no dead letter: nobody may look at it."""
    headers = [(TOPIC_HEADER, b"stripe.charges")]
    record = SimpleNamespace(key=f"id-{number}".encode(), value=b"plaintext", headers=headers)
    return Record(at, DEAD_LETTERS, record)


def told(*records: Record) -> Sources:
    """Sources that were given these, in order of time."""
    found = sources_of(SignalSettings())
    for happening in happenings(sorted(records, key=lambda each: each.at), found, BEGIN):
        happening.take()
    return found


def files(found: Sources) -> dict[str, float]:
    source = next(each for each in found.all if FILES in each.names)
    assert source.known(BEGIN)
    return {dict(each)["table"]: value for each, value in source.vectors(BEGIN)[FILES].items()}


def test_a_table_that_rested_for_long_is_known_by_its_last_state() -> None:
    found = told(
        committed(TABLES, ORDERS, 3, BEGIN - 1e6, 30),
        committed(COMMITS, CHARGES, 7, BEGIN - 60, 70),
        committed(COMMITS, CHARGES, 8, BEGIN + 60, 80),
    )
    assert files(found) == {ORDERS: 30, CHARGES: 80}


def test_what_a_table_is_by_now_is_not_known_before() -> None:
    assert files(told(committed(TABLES, ORDERS, 9, BEGIN + 60, 90))) == {}


def test_a_table_that_is_gone_does_not_come_back_by_its_last_state() -> None:
    state = committed(TABLES, ORDERS, 3, BEGIN - 1000, 30)
    assert files(told(state, gone(ORDERS, BEGIN - 10))) == {}
    assert files(told(state, gone(ORDERS, BEGIN + 10))) == {}


def test_everything_is_caught_up_with_though_nothing_was_told() -> None:
    assert all(source.known(BEGIN) for source in told().all)


def test_dead_letters_count_from_the_beginning_on_and_are_not_read() -> None:
    found = told(letter(1, BEGIN - 5), letter(2, BEGIN + 5), letter(2, BEGIN + 6))
    counts = found.letters.vectors(BEGIN)[SEEN]
    assert {dict(each)["topic"]: n for each, n in counts.items() if n} == {"stripe.charges": 1}


def test_rules_are_evaluated_for_as_long_before_as_they_look_back_and_wait() -> None:
    known = rules()
    hours = {"FreshnessObjectiveBurn": known["FreshnessObjectiveBurn"]}
    assert lead(hours) >= timedelta(hours=6, minutes=10)
    assert lead({"AlerterAlive": known["AlerterAlive"]}) <= timedelta(minutes=5)
