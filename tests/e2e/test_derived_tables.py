"""Tables build themselves, up to the sales mart, whatever becomes of what they are built from.

What they must hold is computed a second way: by SQL over the raw rows as they are in the end.
"""

from collections.abc import Iterator

import pytest

from deploy.demo.head_rows import HeadRows
from deploy.demo.marts import MART
from deploy.generator.plan import plan
from tests.chaos.plain_catalog import plain_catalog
from tests.support.derived_platform import (
    QUICK_RECONCILE,
    bergline,
    complete,
    equal_in_the_end,
    post,
)
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.writing_under_load import traffic

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RAW, STAGED, ORDERS = "raw.shopify_orders", "staging.stg_shopify_orders", "core.orders"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """One platform for the module: every test goes on from what is there."""
    embedded = EmbeddedPlatform(
        tmp_path_factory.mktemp("platform"),
        environment=QUICK_RECONCILE,
        replicas={"maintainer": 0, "alerter": 0},
    )
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


@pytest.fixture(scope="module")
def head_rows() -> HeadRows:
    """What tests before have read of the tables is read once."""
    return HeadRows()


def commits(platform: EmbeddedPlatform, table: str) -> int:
    """The number of a table's last commit."""
    return state(platform, table).last_sequence_number


def commit(platform: EmbeddedPlatform, table: str, seed: int) -> None:
    """Post until a table has seen a commit more."""
    before = commits(platform, table)
    post(platform, plan(seed, 60))
    complete(platform)
    assert commits(platform, table) > before


def roll_back(platform: EmbeddedPlatform, table: str) -> int:
    """What an operator does with any engine: the snapshot before the last is the head again.

    Returns the number of the last commit.
    """
    before = state(platform, table)
    head = before.current_snapshot()
    assert head is not None
    assert head.parent_snapshot_id is not None
    loaded = plain_catalog(platform.settings).load_table(platform.settings.environment.table(table))
    loaded.manage_snapshots().rollback_to_snapshot(head.parent_snapshot_id).commit()
    return before.last_sequence_number


def test_posted_orders_become_rows_of_every_table_up_to_the_mart(
    platform: EmbeddedPlatform, head_rows: HeadRows
) -> None:
    post(platform, plan(1, 120))

    found = equal_in_the_end(platform, head_rows)

    rows = {each.table: each.rows for each in found.tables}
    assert rows[ORDERS] > 0
    assert found.orders == rows[ORDERS], "every order is counted on its day"
    assert found.freshness.records > 0


@pytest.mark.parametrize(("table", "seed"), [(RAW, 100), (STAGED, 200), (MART, 300)])
def test_after_an_operators_rollback_everything_is_there_again(
    platform: EmbeddedPlatform, head_rows: HeadRows, table: str, seed: int
) -> None:
    """The log still has what raw lost, and raw what a derived table lost: nobody has to help."""
    commit(platform, table, seed)

    last = roll_back(platform, table)

    equal_in_the_end(platform, head_rows, lambda: commits(platform, table) > last)


def test_refreshes_while_webhooks_go_on_end_equal(
    platform: EmbeddedPlatform, head_rows: HeadRows
) -> None:
    refreshed = (STAGED, MART)
    before = {table: commits(platform, table) for table in refreshed}
    with traffic(platform, rate=20, seconds=10) as load:
        assert load.flowing
        for table in refreshed:
            told = bergline(platform, "refresh", table, "--reason", "because", "--wait")
            assert told["built"] == [table]

    equal_in_the_end(platform, head_rows)

    for table in refreshed:
        assert commits(platform, table) > before[table]
        assert "rebuild" not in state(platform, table).refs, "published, so its branch is gone"
