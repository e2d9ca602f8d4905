"""Of an export every event is one row, and each way in which it is not is found."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.demo.checks import check_export
from deploy.demo.exports import ANNOUNCED, ExportLedger, count, drop, identity
from deploy.generator.ga4.events import COLUMNS, Row

ARROW = {"string": pa.utf8(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
STORED = pa.schema(
    [("_raw_id", pa.utf8()), ("_error", pa.utf8())]
    + [(name, ARROW[type_]) for name, type_ in COLUMNS.items()]
)


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Row]]:
    uri, wanted = drop(tmp_path_factory.mktemp("exports"), seed=42)
    return uri, list(wanted)


@pytest.fixture
def stored(dropped: tuple[str, list[Row]]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "_raw_id": identity(row) if row["client_id"] else f"bad-{number}",
            "_error": None if row["client_id"] else "no client_id",
        }
        for number, row in enumerate(dropped[1])
    ]


def ledger(
    dropped: tuple[str, list[Row]], stored: list[dict[str, Any]], named: int = ANNOUNCED
) -> ExportLedger:
    return count(pa.Table.from_pylist(stored, STORED), dropped[1], named)


def holds(found: ExportLedger) -> bool:
    return all(one.ok for one in check_export(found))


def test_the_file_has_repeated_events_and_some_without_client(
    dropped: tuple[str, list[Row]],
) -> None:
    uri, wanted = dropped
    rows = pq.read_table(Path(uri.removeprefix("file://"))).num_rows

    assert rows > len(wanted) > 300
    assert any(row["client_id"] is None for row in wanted)
    assert sum(row["event_name"] == "session_start" for row in wanted) > 50


def test_an_event_is_told_by_client_time_and_name() -> None:
    event = {
        "client_id": "1234567890.1700000000",
        "event_timestamp": 1_700_000_000_000_000,
        "event_name": "page_view",
    }
    text = b"1234567890.1700000000|1700000000000000|page_view"

    assert identity(event) == hashlib.sha256(text).hexdigest()
    assert identity(event) == "7c43b996ea0ca790119b71d79b018e0437d4ef8cdfe6996964e0402ddf202e07"


def test_one_row_an_event_is_right(
    dropped: tuple[str, list[Row]], stored: list[dict[str, Any]]
) -> None:
    found = ledger(dropped, stored)

    assert holds(found)
    assert found.counts["events"] == found.counts["rows"] == len(stored)


@pytest.mark.parametrize(
    ("damage", "named"),
    [("lost", "lost"), ("doubled", "doubled"), ("unasked", "unasked"), ("altered", None)],
)
def test_each_difference_is_found(
    dropped: tuple[str, list[Row]],
    stored: list[dict[str, Any]],
    damage: str,
    named: str | None,
) -> None:
    first, *others = stored
    rows = {
        "lost": others,
        "doubled": [first, *stored],
        "unasked": [{**first, "_raw_id": "another"}, *stored],
        "altered": [{**first, "page_title": "Elsewhere"}, *others],
    }[damage]
    found = ledger(dropped, rows)

    assert not holds(found)
    assert found.altered == (damage in {"altered", "lost"})
    if named is not None:
        assert found.counts[named] == 1


@pytest.mark.parametrize("wrong", ["no client_id", None])
def test_an_error_that_is_none_and_one_that_is_not_told_are_found(
    dropped: tuple[str, list[Row]], stored: list[dict[str, Any]], wrong: str | None
) -> None:
    place = next(n for n, row in enumerate(stored) if (row["_error"] is None) is bool(wrong))
    stored[place]["_error"] = wrong

    assert ledger(dropped, stored).errors == 1
    assert not holds(ledger(dropped, stored))


def test_a_file_that_was_announced_less_often_proves_nothing(
    dropped: tuple[str, list[Row]], stored: list[dict[str, Any]]
) -> None:
    assert not holds(ledger(dropped, stored, named=1))
