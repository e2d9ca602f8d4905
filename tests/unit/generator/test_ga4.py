"""GA4's export: sessions can be found again, rates are kept, files are whole and the same again."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deploy.generator.ga4.events import COLUMNS, Row
from deploy.generator.ga4.export import write
from deploy.generator.ga4.property import rows
from deploy.generator.people import People
from deploy.generator.plan import NOW
from deploy.generator.rates import Rates
from deploy.generator.run import Run

HALF_AN_HOUR = 30 * 60 * 1_000_000
NOTHING_WRONG = Rates(redelivered=0, out_of_order=0, malformed=0)


def some(
    visitors: int = 500, *, seed: int = 1, run: int | None = None, rates: Rates = NOTHING_WRONG
) -> list[Row]:
    return list(rows(Run.of(seed, run), NOW, rates, visitors=visitors, known=100))


def identity(row: Row) -> tuple[str, int, str]:
    return row["client_id"], row["event_timestamp"], row["event_name"]


def sessions_by_the_rule(events: Iterable[Row]) -> set[frozenset[tuple[str, int, str]]]:
    """Events of a client, cut where 30 minutes pass without one."""
    clients: dict[str, list[Row]] = defaultdict(list)
    for row in events:
        clients[row["client_id"]].append(row)
    found: list[list[Row]] = []
    for of_client in clients.values():
        of_client.sort(key=lambda row: row["event_timestamp"])
        last = -HALF_AN_HOUR * 2
        for row in of_client:
            if row["event_timestamp"] - last > HALF_AN_HOUR:
                found.append([])
            found[-1].append(row)
            last = row["event_timestamp"]
    return {frozenset(map(identity, session)) for session in found}


@pytest.mark.parametrize(
    "rates", [NOTHING_WRONG, Rates(redelivered=0.1, out_of_order=0.1, malformed=0.1)]
)
def test_sessions_are_found_again_by_the_30_minute_rule(rates: Rates) -> None:
    made: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    valid = [row for row in some(rates=rates) if row["client_id"] is not None]
    for row in valid:
        made[row["session_id"]].add(identity(row))
    once = {identity(row): row for row in valid}.values()

    assert sessions_by_the_rule(once) == {frozenset(events) for events in made.values()}


def test_visitors_have_3_to_20_events_in_1_to_3_sessions_that_start_as_they_must() -> None:
    events: Counter[str] = Counter()
    sessions: dict[str, list[Row]] = defaultdict(list)
    for row in some():
        events[row["client_id"]] += 1
        sessions[row["session_id"]].append(row)
    per_client = Counter(session[0]["client_id"] for session in sessions.values())

    assert len(events) == 500
    assert (min(events.values()), max(events.values())) == (3, 20)
    assert set(per_client.values()) == {1, 2, 3}
    for session in sessions.values():
        assert [row["event_name"] for row in session[:2]] == ["session_start", "page_view"]
        assert len({row["ga_session_number"] for row in session}) == 1


def test_no_two_events_are_one() -> None:
    made = some(2_000)

    assert len(set(map(identity, made))) == len(made)


def test_columns_agree_with_each_other() -> None:
    for row in some(100):
        assert list(row) == list(COLUMNS)
        moment = datetime.fromtimestamp(row["event_timestamp"] // 1_000_000, UTC)
        assert row["event_date"] == f"{moment:%Y%m%d}"
        assert row["is_conversion"] == (row["event_name"] in ("purchase", "sign_up"))
        assert (row["value"] > 0) == (row["event_name"] == "purchase")
        traffic = json.loads(row["traffic_source"])
        assert bool(traffic["name"]) == (traffic["medium"] in ("cpc", "email"))
        assert (traffic["source"] == "direct") <= (traffic["medium"] == "(none)")


def test_some_visitors_are_people_whom_the_vendors_know() -> None:
    people = People(Run.of(1), NOW)
    known = {people.person(number).email for number in range(100)}
    users = {row["client_id"]: row["user_id"] for row in some(2_000)}
    signed_in = [user for user in users.values() if user is not None]

    assert set(signed_in) <= known
    assert len(signed_in) / len(users) == pytest.approx(0.3, abs=0.04)


def test_rates_are_those_that_were_set() -> None:
    rates = Rates(redelivered=0.1, out_of_order=0.05, malformed=0.08)
    made = some(2_000, rates=rates)
    nameless = sum(row["client_id"] is None for row in made)
    valid = [row for row in made if row["client_id"] is not None]
    repeated = len(valid) - len(set(map(identity, valid)))
    late = 0
    newest: dict[str, int] = {}
    for row in {identity(row): row for row in valid}.values():
        late += row["event_timestamp"] < newest.get(row["client_id"], 0)
        newest[row["client_id"]] = max(row["event_timestamp"], newest.get(row["client_id"], 0))

    assert nameless / len(made) == pytest.approx(0.08, abs=0.01)
    assert repeated / len(made) == pytest.approx(0.1, abs=0.01)
    assert late / len(made) == pytest.approx(0.05, abs=0.02)


def test_two_runs_share_no_client_and_no_session() -> None:
    first, second = some(200, run=0), some(200, run=1)

    for name in ("client_id", "session_id"):
        assert not {row[name] for row in first} & {row[name] for row in second}


def test_a_file_holds_every_row_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    made = some(50)
    for name in ("one.parquet", "two.parquet"):
        assert write(tmp_path / name, some(50)) == len(made)

    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert pq.read_table(tmp_path / "one.parquet").to_pylist() == made
    assert {path.name for path in tmp_path.iterdir()} == {"one.parquet", "two.parquet"}
