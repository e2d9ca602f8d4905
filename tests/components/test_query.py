"""SQL over pinned snapshots, on a real catalog and object store."""

import os
import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.types import LongType

from shared.contracts.identity import uuid7
from shared.lake.adoption import adopt
from shared.lake.balance import balance
from shared.lake.bootstrap import bootstrap_tables
from shared.lake.commit import Append, Head, commit
from shared.lake.landing_files import write_data_file
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.recorded import recorded
from shared.lake.schema import arrow_schema
from shared.lake.snapshot_files import WHOLE_BYTES
from shared.lake.table_state import TableState
from shared.runtime.errors import ConfigurationError, NotFound, Refused, Unavailable
from shared.tables.registry import TABLES
from tests.support.position_deletes import delete_positions
from tests.support.storage import StorageProcess, module_storage, storage_process

__all__ = ["module_storage", "storage_process"]

ORDERS = "raw.shopify_orders"
TOPIC = "shopify.orders"


def land(lake: LakeReader, table: str, count: int, *, payload: str = "{}") -> int:
    """Append rows of the next offsets of partition 0; the snapshot's id."""
    spec = TABLES[table]
    handle = lake.handle(table)

    def decide(head: Head, _: bool) -> Append:
        positions = head.recorded.positions
        assert positions is not None
        start = positions.next_offset(spec.topics[0], 0) or 0
        rows = rows_of(table, range(start, start + count), payload)
        file = write_data_file(handle.table, rows, datetime.now(UTC).date())
        moved = positions.advance(
            spec.topics[0], 0, start=start, end=start + count, rows=count, errors=0, tail=None
        )
        return Append([file], moved)

    outcome = commit(handle, decide, commit_id=uuid7(), writer="stream_writer")
    assert outcome.snapshot is not None
    return outcome.snapshot.snapshot_id


def rows_of(table: str, offsets: Sequence[int], payload: str) -> pa.Table:
    spec = TABLES[table]
    now = datetime.now(UTC)
    return pa.Table.from_pylist(
        [
            {
                "_topic": spec.topics[0],
                "_partition": 0,
                "_offset": offset,
                "_event_id": f"event-{offset}",
                "_delivery_id": uuid7(),
                "_loaded_at": now,
                "_replayed": False,
                "_payload": payload,
            }
            for offset in offsets
        ],
        schema=arrow_schema(spec),
    )


@pytest.fixture(scope="module")
def bootstrapped(module_storage: StorageProcess) -> LakeReader:
    bootstrap_tables(module_storage.settings)
    return LakeReader(module_storage.settings)


def rows(lake: LakeReader, sql: str, **pins: Any) -> list[tuple[Any, ...]]:
    with query(lake, sql, **pins) as result:
        return list(result.rows())


def test_a_query_reads_the_head_an_earlier_version_or_a_time(bootstrapped: LakeReader) -> None:
    table = "raw.shopify_products"
    count = f"select count(*) from {table}"
    assert rows(bootstrapped, count) == [(0,)]
    first = land(bootstrapped, table, 3)
    between = bootstrapped.table(table).metadata.snapshot_by_id(first)
    assert between is not None
    moment = datetime.fromtimestamp(between.timestamp_ms / 1000, UTC)
    land(bootstrapped, table, 4)
    assert rows(bootstrapped, count) == [(7,)]
    assert rows(bootstrapped, count, pins={table: Pin(snapshot_id=first)}) == [(3,)]
    assert rows(bootstrapped, count, everywhere=Pin(as_of=moment)) == [(3,)]
    with pytest.raises(NotFound, match="no retained version"):
        rows(bootstrapped, count, everywhere=Pin(as_of=moment - timedelta(days=1)))
    with pytest.raises(NotFound, match="no snapshot 1"):
        rows(bootstrapped, count, pins={table: Pin(snapshot_id=1)})
    with pytest.raises(ConfigurationError, match="does not read it"):
        rows(bootstrapped, "select 1", pins={table: Pin(snapshot_id=first)})


def test_a_query_joins_tables_and_says_what_it_read(bootstrapped: LakeReader) -> None:
    land(bootstrapped, "raw.stripe_charges", 2)
    snapshot = land(bootstrapped, "raw.stripe_customers", 2)
    sql = (
        "select a._offset from raw.stripe_charges a join raw.stripe_customers b using (_offset) "
        "order by 1"
    )
    with query(bootstrapped, sql) as result:
        assert list(result.rows()) == [(0,), (1,)]
        assert result.columns == ("_offset",)
        assert result.snapshots["raw.stripe_customers"] == snapshot
        assert set(result.snapshots) == {"raw.stripe_charges", "raw.stripe_customers"}


def test_rows_deleted_by_another_engine_are_gone_and_the_books_say_so(
    bootstrapped: LakeReader,
) -> None:
    land(bootstrapped, ORDERS, 5)
    land(bootstrapped, ORDERS, 5)
    assert balance(bootstrapped, ORDERS).balanced
    table = bootstrapped.table(ORDERS)
    file = next(iter(table.scan().plan_files())).file
    delete_positions(table, file, [1, 3])
    left = [offset for (offset,) in rows(bootstrapped, f"select _offset from {ORDERS} order by 1")]
    expected = bootstrapped.table(ORDERS).scan(selected_fields=("_offset",)).to_arrow()
    assert left == sorted(expected["_offset"].to_pylist())
    assert len(left) == 8
    weighed = balance(bootstrapped, ORDERS)
    assert not weighed.balanced
    assert "states 10 rows, the data files hold 8" in weighed.partitions[0].findings[0]
    assert recorded(TableState.of(bootstrapped.table(ORDERS).metadata)).foreign == 1


def test_columns_are_found_by_field_id(bootstrapped: LakeReader) -> None:
    table = "raw.shopify_customers"
    first = land(bootstrapped, table, 2)
    with bootstrapped.table(table).update_schema() as update:
        update.rename_column("_key", "_record_key")
        update.add_column("_added", LongType())
    sql = f"select _record_key, _added, _event_id from {table} order by _offset"
    assert rows(bootstrapped, sql) == [(None, None, "event-0"), (None, None, "event-1")]
    adopt(bootstrapped.handle(table), {("shopify.customers", 0): 2}, reason="test", actor="test")
    old = rows(bootstrapped, f"select _key from {table}", pins={table: Pin(snapshot_id=first)})
    assert len(old) == 2, "an earlier version is read with the schema that it had"


def test_large_files_are_read_by_ranges(bootstrapped: LakeReader) -> None:
    table = "metadata.dead_letters"
    payload = "".join(uuid7() for _ in range(4 * WHOLE_BYTES // 36))
    land(bootstrapped, table, 2, payload=payload)
    file = next(iter(bootstrapped.table(table).scan().plan_files())).file
    assert file.file_size_in_bytes > WHOLE_BYTES
    assert rows(
        bootstrapped, f"select distinct _payload = ? from {table}", parameters=[payload]
    ) == [(True,)]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("delete from raw.shopify_orders", Refused),
        ("create table t as select 1", Refused),
        ("copy (select 1) to '/tmp/stolen.csv'", Refused),
        ("attach 'other.db'", Refused),
        ("set memory_limit = '64GB'", Refused),
        ("install httpfs", Refused),
        ("select * from read_text('/etc/hostname')", Refused),
        ("select * from read_csv('https://example.com/a.csv')", Refused),
        ("select * from raw.shopify_ordres", NotFound),
        ("select nothing from raw.shopify_orders", ConfigurationError),
        ("selec 1", ConfigurationError),
        ("", ConfigurationError),
        ("select 1; select 2", ConfigurationError),
        ("select cast('x' as int)", ConfigurationError),
        (
            "select cast(if(i < 4000000, '1', 'x') as int) from range(5000000) r(i)",
            ConfigurationError,
        ),
    ],
)
def test_what_is_not_a_readable_query(
    bootstrapped: LakeReader, sql: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        rows(bootstrapped, sql)


def test_an_error_of_the_reader_stays_its_own(bootstrapped: LakeReader) -> None:
    with pytest.raises(BrokenPipeError), query(bootstrapped, "select 1"):
        raise BrokenPipeError


def test_ctrl_c_ends_a_query_that_would_take_for_ever(bootstrapped: LakeReader) -> None:
    sql = (
        "select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3"
    )
    # A shell that starts the tests in the background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pressed = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        pressed.start()
        with pytest.raises(KeyboardInterrupt):
            rows(bootstrapped, sql)
        pressed.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_store_that_is_away_is_unavailable(storage_process: StorageProcess) -> None:
    bootstrap_tables(storage_process.settings)
    lake = LakeReader(storage_process.settings)
    land(lake, ORDERS, 1)
    storage_process.kill9()
    with pytest.raises(Unavailable, match="does not answer"):
        rows(lake, f"select count(*) from {ORDERS}")
    with pytest.raises(Unavailable, match="does not answer"):
        LakeReader(storage_process.settings).table(ORDERS)
