"""Figures of builds are told only of marts that agree, and of data that is what it looks like."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.runtime.errors import CheckFailed
from tests.bench.builds.agreement import COLUMNS, agree
from tests.bench.builds.chain import MART, chain
from tests.bench.builds.contestant import Cost, TableCost
from tests.bench.builds.dbt_project import write_project
from tests.bench.builds.duckdb_by_hand import Tables
from tests.bench.builds.figures import Costs, Size, measures
from tests.bench.builds.order_history import FIRST_ID, OrderHistory, Which, parsed
from tests.bench.report import Measure

END = datetime(2026, 1, 31, tzinfo=UTC)
ORDERS = 2000


@pytest.fixture(scope="module")
def history() -> OrderHistory:
    return OrderHistory(ORDERS, END, templates=200)


def test_the_chain_is_in_the_order_of_the_graph() -> None:
    names = chain()
    assert names[0] == "staging.stg_shopify_orders"
    assert names[-1] == MART
    assert names.index("core.first_orders") < names.index("analytics.order_summary")
    assert not [name for name in names if name.startswith("raw.")]


def test_typed_columns_of_a_history_are_what_the_parser_makes_of_its_payload(
    history: OrderHistory,
) -> None:
    rows = history.rows(500, 800)
    again = parsed([text.encode() for text in rows["_payload"].to_pylist()], 500, END)
    for name in rows.schema.names:
        if not name.startswith("_") or name in {"_offset", "_payload", "_error", "_drift"}:
            assert rows[name].to_pylist() == again[name].to_pylist(), name


def test_portions_of_a_history_are_one_history(history: OrderHistory) -> None:
    portions = [history.rows(0, 900), history.rows(900, ORDERS + 1000)]
    assert [part.num_rows for part in portions] == [900, ORDERS - 900]
    created = [moment for part in portions for moment in part["created_at"].to_pylist()]
    assert created == sorted(created)
    assert created[-1] < END
    assert (END - created[0]).days <= 365
    ids = [number for part in portions for number in part["id"].to_pylist()]
    assert ids == list(range(FIRST_ID, FIRST_ID + ORDERS))


def test_recent_orders_are_of_the_last_three_days(history: OrderHistory) -> None:
    numbers = history.chosen(Which.RECENT, 5, change=1)
    rows = parsed(history.versions(numbers, change=1), ORDERS, END)
    assert len(set(numbers)) == 5
    assert all((END - moment).days < 3 for moment in rows["created_at"].to_pylist())
    assert rows["_offset"].to_pylist() == list(range(ORDERS, ORDERS + 5))


def test_a_version_is_newer_and_differs(history: OrderHistory) -> None:
    numbers = history.chosen(Which.RANDOM, 50, change=2)
    after = parsed(history.versions(numbers, change=2), ORDERS, END).to_pylist()
    for number, new in zip(numbers, after, strict=True):
        old = history.rows(number, number + 1).to_pylist()[0]
        assert new["id"] == old["id"]
        assert new["created_at"] == old["created_at"]
        assert new["customer_id"] == old["customer_id"]
        assert new["currency"] == old["currency"]
        assert new["updated_at"] > old["updated_at"]
        assert new["_error"] is None
        assert new["_drift"] is None


def test_increments_by_hand_end_where_a_full_build_by_hand_does(
    history: OrderHistory, tmp_path: Path
) -> None:
    files: list[str] = []

    def land(rows: object) -> None:
        files.append(str(tmp_path / f"{len(files)}.parquet"))
        pq.write_table(rows, files[-1])

    land(history.rows(0, ORDERS))
    tables = Tables(tmp_path / "increments.duckdb")
    tables.build(full=True, files=files, as_of="2026-02-02")
    for change, which in enumerate((Which.RECENT, Which.RANDOM, Which.RANDOM), start=1):
        numbers = history.chosen(which, 12, change)
        land(parsed(history.versions(numbers, change), ORDERS + 12 * change, END))
        tables.build(full=False, files=files, as_of="2026-02-02")
    in_full = Tables(tmp_path / "full.duckdb")
    in_full.build(full=True, files=files, as_of="2026-02-02")
    agree("increments", tables.mart()["rows"], "full", in_full.mart()["rows"])
    assert tables.mart()["rows"][-1][0] == "2026-02-02"


def test_a_dbt_project_has_a_model_for_every_table(tmp_path: Path) -> None:
    write_project(tmp_path / "project", tmp_path / "raw", date(2026, 2, 2))
    models = {path.stem for path in (tmp_path / "project" / "models").iterdir()}
    assert len(models) == len(chain())
    assert "mart" in models


def mart_row(**values: str) -> list[str | None]:
    return [values.get(name, "1") for name in COLUMNS]


@pytest.mark.parametrize(
    ("rows", "others", "said"),
    [
        pytest.param([], [], "is empty", id="empty"),
        pytest.param([mart_row()], [mart_row()] * 2, "has 1 rows", id="missing"),
        pytest.param(
            [mart_row(total_tax="1.00")],
            [mart_row(total_tax="1.01")],
            "total_tax of 1 1 is 1.00",
            id="another value",
        ),
    ],
)
def test_marts_that_differ_are_refused(
    rows: list[list[str | None]], others: list[list[str | None]], said: str
) -> None:
    with pytest.raises(CheckFailed, match=said):
        agree("ours", rows, "theirs", others)


def cost(cpu: float, read: int = 0) -> Cost:
    tables = {"core.orders": TableCost(cpu / 2, "incremental", 10, read, 1, 2)}
    return Cost(cpu, cpu + 1, cpu, 50 << 20, tables)


def size(orders: int, recent: float, full: float) -> Size:
    def costs(title: str, factor: float) -> Costs:
        return Costs(
            title,
            full_first=cost(full * factor),
            first=[cost(recent * factor)],
            full=[cost(full * factor)],
            recent=[cost(recent * factor, read=3_000_000)],
            random=[cost(4 * recent * factor)],
            same=[cost(recent * factor / 2)],
            storage=[0.5],
        )

    return Size(orders, orders // 1000, costs("ours", 1), {"peer": costs("a peer", 2)})


def named(found: list[Measure], name: str) -> Measure:
    return next(each for each in found if each.name == name)


def test_figures_are_of_the_largest_size_and_of_its_growth() -> None:
    found = measures([size(10_000, recent=1.0, full=2.0), size(1_000_000, recent=3.0, full=60.0)])
    assert named(found, "incremental_vs_full_recent").value == 0.05
    assert named(found, "incremental_vs_full_random").value == 0.2
    assert named(found, "incremental_vs_full_recent_peer").value == 0.05
    assert named(found, "cpu_per_changed_row_growth").value == 0.03
    assert named(found, "cpu_same_change_growth").value == 3.0
    assert named(found, "full_first_10k").value == 3.0  # the start of the process counts
    assert named(found, "recent_1m_beside_peer").ratio == 0.5
    assert named(found, "recent_1m_core.orders_read").value == 3.0
    assert len({each.name for each in found}) == len(found)


def test_one_size_has_no_growth() -> None:
    found = measures([size(10_000, recent=1.0, full=2.0)])
    assert not [each for each in found if "growth" in each.name]
