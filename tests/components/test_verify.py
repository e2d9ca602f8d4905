"""Damage planted in built tables, on a real catalog and object store, is found and named."""

import json
import os
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import SecretStr
from pyiceberg.table import Table

from deploy.embedded.connection import connection
from deploy.generator.plan import stream
from services.transformer import tokens
from services.transformer.building.builder import Builder
from services.transformer.config import TransformerSettings
from services.transformer.request import BuildRequest, Stage
from shared.contracts.identity import uuid7
from shared.lake.bootstrap import bootstrap_tables
from shared.lake.commit import Append, Head, commit
from shared.lake.landing_files import write_data_file
from shared.lake.reader import LakeReader
from shared.tables.lineage import selected
from shared.tables.registry import TABLES
from tests.support.raw_rows import landed
from tests.support.storage import StorageProcess, module_storage
from tests.support.warm_bergline import bergline

__all__ = ["module_storage"]

TOPIC, RAW = "shopify.orders", "raw.shopify_orders"
TOKEN_KEY = "a key for tokens in tests, no secret"
AS_OF = date(2026, 6, 30)


class Tables:
    """A lake with orders in it, and ``bergline`` pointed at it."""

    def __init__(self, storage: StorageProcess) -> None:
        self.settings = storage.settings
        self.lake = LakeReader(self.settings)
        self._variables = connection(storage.ports, storage.secrets)
        transformer = TransformerSettings(
            **self.settings.model_dump(), transformer_token_key=SecretStr(TOKEN_KEY)
        )
        tokens.use(tokens.TokenKey(TOKEN_KEY.encode()))
        self._builder = Builder(transformer)
        orders = (each for each in stream(7) if each.topic == TOPIC)
        self._rows = landed(islice(orders, 60), TOPIC)
        self.landed = 0

    def land(self, count: int) -> None:
        """The next rows of the raw table."""
        rows = self._rows.slice(self.landed, count)
        handle = self.lake.handle(RAW)

        def decide(head: Head, _: bool) -> Append:
            positions = head.recorded.positions
            assert positions is not None
            start = self.landed
            moved = positions.advance(
                TOPIC, 0, start=start, end=start + count, rows=count, errors=0, tail=None
            )
            day = datetime.now(UTC).date()
            return Append([write_data_file(handle.table, rows, day)], moved)

        commit(handle, decide, commit_id=uuid7(), writer="stream_writer")
        self.landed += count

    def build(self) -> None:
        """Every table that is built from orders, as transformer builds it."""
        for spec in selected("all", TABLES):
            request = BuildRequest(uuid7(), Stage.LIVE, "a test", AS_OF)
            self._builder.build(spec.name, request)

    def rebuild(self, name: str) -> None:
        """One table anew, as ``bergline refresh`` has it done."""
        for stage in (Stage.REBUILD, Stage.PUBLISH):
            self._builder.build(name, BuildRequest(uuid7(), stage, "a test", AS_OF))

    def table(self, name: str) -> Table:
        return self.lake.table(name)

    def desk(self, *arguments: str, code: int = 0) -> Any:
        """The JSON object that a command prints."""
        variables = {
            **os.environ,
            **self._variables,
            "BERGLINE_TRANSFORMER_TOKEN_KEY": TOKEN_KEY,
            "BERGLINE_BROKERS": "127.0.0.1:1",
        }
        ended = bergline([*arguments, "--output", "json"], variables, seconds=150)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def verdicts(self, name: str, *, code: int = 6) -> dict[str, tuple[str, list[str]]]:
        """Check → verdict and findings of one table."""
        [found] = self.desk("verify", name, "--sample", "1000", "--seed", "1", code=code)["tables"]
        return {
            check["check"]: (check["verdict"], [each["what"] for each in check["findings"]])
            for check in found["checks"]
        }


@pytest.fixture(scope="module")
def tables(module_storage: StorageProcess) -> Tables:
    bootstrap_tables(module_storage.settings)
    found = Tables(module_storage)
    found.land(40)
    found.build()
    return found


def rows(table: Table) -> pa.Table:
    return table.scan().to_arrow()


def test_sound_tables_are_sound_and_the_sample_can_be_repeated(tables: Tables) -> None:
    result = tables.desk("verify", "all", "--sample", "5", "--seed", "7")
    assert (result["verdict"], result["sample"], result["seed"]) == ("ok", 5, 7)
    assert [each["table"] for each in result["tables"] if each["verdict"] != "ok"] == []
    checked = {
        each["table"]: [check["check"] for check in each["checks"]] for each in result["tables"]
    }
    assert checked[RAW] == ["ledger", "files", "totals", "deletes"]
    assert checked["core.orders"] == ["origin", "files", "totals", "deletes", "key", "rows"]
    again = tables.desk("verify", "core.orders", "--sample", "5", "--seed", "7")["tables"][0]
    before = next(each for each in result["tables"] if each["table"] == "core.orders")
    assert again == before


def test_freshness_tells_what_a_table_does_not_hold_and_since_when(tables: Tables) -> None:
    shown = {each["table"]: each for each in tables.desk("freshness")["tables"]}
    mart = shown["marts.sales_dashboard_daily"]
    assert (mart["behind_landing"], mart["behind_log"], mart["oldest_missing"]) == (0, None, None)
    first = tables.landed
    tables.land(3)
    shown = {each["table"]: each for each in tables.desk("freshness")["tables"]}
    for name in (RAW, "raw.shopify_customers"):
        assert shown[name]["behind_landing"] == 0
    mart = shown["marts.sales_dashboard_daily"]
    assert mart["behind_landing"] == 3
    [partition] = mart["partitions"]
    assert (partition["complete"], partition["landed"]) == (first, first + 3)
    landed_rows = rows(tables.table(RAW)).filter(pc.field("_offset") >= first)
    oldest = min(landed_rows["_received_at"].to_pylist())
    assert datetime.fromisoformat(mart["oldest_missing"]) == oldest
    assert tables.verdicts("marts.sales_dashboard_daily", code=0)["rows"][0] == "ok"
    tables.build()
    shown = {each["table"]: each for each in tables.desk("freshness")["tables"]}
    assert all(each["behind_landing"] == 0 for each in shown.values())


def test_a_key_that_stands_twice_is_found(tables: Tables) -> None:
    name = "metadata.sales_daily"
    table = tables.table(name)
    row = rows(table).slice(0, 1)
    table.append(row)
    found = tables.verdicts(name)
    assert found["origin"][0] == "warning"
    verdict, [what] = found["key"]
    day, currency = row["order_date"][0].as_py(), row["currency"][0].as_py()
    assert verdict == "wrong"
    assert what == f"1 keys stand in several rows: ({day}, {currency}) 2 times"
    assert found["rows"][0] == "wrong"


def test_a_row_with_a_wrong_value_is_found_and_a_rebuild_mends_it(tables: Tables) -> None:
    name = "core.orders"
    table = tables.table(name)
    row = rows(table).slice(0, 1)
    order_id = row["order_id"][0].as_py()
    column = row.schema.get_field_index("line_item_count")
    wrong = row.set_column(column, row.schema.field(column), pa.array([999], pa.int32()))
    table.overwrite(wrong, overwrite_filter=f"order_id == '{order_id}'")
    found = tables.verdicts(name)
    assert found["key"][0] == "ok"
    assert found["rows"] == (
        "wrong",
        [f"1 rows differ: (order_id={order_id}) other values in line_item_count"],
    )
    advice = tables.desk("verify", name, "--seed", "1", code=6)["tables"][0]["checks"][-1]
    assert advice["next_step"] == f"`bergline refresh {name}`"
    tables.rebuild(name)
    assert {verdict for verdict, _ in tables.verdicts(name, code=0).values()} == {"ok"}


def test_a_row_that_is_gone_is_found(tables: Tables) -> None:
    name = "core.first_orders"
    table = tables.table(name)
    customer = rows(table)["customer_id"][0].as_py()
    table.delete(f"customer_id == '{customer}'")
    verdict, [what] = tables.verdicts(name)["rows"]
    assert verdict == "wrong"
    assert what == f"1 rows differ: (customer_id={customer}) missing"


def test_a_data_file_that_is_gone_is_found_and_hides_nothing_else(tables: Tables) -> None:
    name = "analytics.order_summary"
    table = tables.table(name)
    gone = next(iter(table.scan().plan_files())).file.file_path
    table.io.delete(gone)
    found = tables.verdicts(name)
    verdict, [what] = found["files"]
    assert verdict == "wrong"
    assert what.endswith(gone)
    assert found["key"] == ("skipped", ["files are missing or damaged"])
    assert "rows" not in found
    others = tables.desk("verify", "all", "--sample", "5", code=6)
    verdicts = {each["table"]: each["verdict"] for each in others["tables"]}
    assert verdicts[name] == "wrong"
    assert verdicts["staging.stg_shopify_orders"] == "ok"


def test_a_table_that_does_not_exist_is_not_found(tables: Tables) -> None:
    assert tables.desk("verify", "core.ordres", code=4)["error"]["kind"] == "NotFound"
