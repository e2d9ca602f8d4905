"""The queries of the quality check, on DuckDB tables of the same names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest

from shared.lake.entity_quality.figures import Ask, Duplicate, SourceFigures, figures
from shared.lake.entity_quality.sources import INDEX, SOURCES

SHOPIFY, STRIPE, GA4 = (SOURCES[number].table for number in (0, 2, 4))


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        found.execute("create schema semantic; create schema staging")
        found.execute(
            f"create table {INDEX} (unified_id varchar, entity_type varchar, source varchar, "
            "source_id varchar, match_type varchar)"
        )
        yield found


@pytest.fixture
def ask(database: duckdb.DuckDBPyConnection) -> Ask:
    def asked(sql: str) -> Sequence[tuple[Any, ...]]:
        return database.execute(sql).fetchall()

    return asked


def index(database: duckdb.DuckDBPyConnection, *rows: tuple[str, str, str]) -> None:
    """(unified id, source, source id) each."""
    for unified, source, own in rows:
        database.execute(
            f"insert into {INDEX} values (?, 'customer', ?, ?, 'exact_email')",
            [unified, source, own],
        )


def test_ids_are_counted_once_and_compared_as_text(
    database: duckdb.DuckDBPyConnection, ask: Ask
) -> None:
    database.execute(f"create table {SHOPIFY} (customer_id bigint)")
    database.execute(f"insert into {SHOPIFY} values (1), (1), (2), (3), (null)")
    index(database, ("U-1", "shopify_customers", "1"), ("U-1", "shopify_customers", "2"))

    found = figures(ask, {INDEX, SHOPIFY})

    assert found.sources[0] == SourceFigures("shopify_customers", True, 3, 2, 1)
    assert (found.mappings, found.unified, found.shared) == (2, 1, 0)
    assert found.cardinality == {2: 1}
    assert found.match_types == {"exact_email": 2}


def test_an_id_of_another_source_or_kind_maps_nothing(
    database: duckdb.DuckDBPyConnection, ask: Ask
) -> None:
    database.execute(f"create table {SHOPIFY} as select 1 as customer_id")
    index(database, ("U-1", "stripe_customers", "1"))
    database.execute(
        f"insert into {INDEX} values ('U-1', 'company', 'shopify_customers', '1', 'x')"
    )

    found = figures(ask, {INDEX, SHOPIFY})

    assert found.sources[0].mapped == 0
    assert found.mappings == 1


def test_what_is_not_staged_is_said_to_be_so(ask: Ask) -> None:
    found = figures(ask, {INDEX})

    assert [each.staged for each in found.sources] == [False] * len(SOURCES)


def test_devices_that_nobody_signed_in_on_do_not_count(
    database: duckdb.DuckDBPyConnection, ask: Ask
) -> None:
    database.execute(
        f"create table {GA4} as select * from (values ('a', 'tok'), ('b', ''), ('c', null), "
        "('a', 'tok')) as rows (client_id, user_id_token)"
    )

    assert figures(ask, {INDEX, GA4}).sources[4].records == 1


def test_unified_ids_of_several_sources_are_found(
    database: duckdb.DuckDBPyConnection, ask: Ask
) -> None:
    index(
        database,
        ("U-1", "shopify_customers", "1"),
        ("U-1", "stripe_customers", "cus_1"),
        ("U-2", "stripe_customers", "cus_2"),
    )

    found = figures(ask, {INDEX}, quick=True)

    assert (found.unified, found.shared) == (2, 1)


def test_duplicates_are_told_with_their_unified_ids(
    database: duckdb.DuckDBPyConnection, ask: Ask
) -> None:
    index(
        database,
        ("U-1", "shopify_customers", "1"),
        ("U-2", "shopify_customers", "1"),
        ("U-3", "shopify_customers", "2"),
        ("U-3", "shopify_customers", "2"),
        ("U-3", "shopify_customers", "2"),
        ("U-4", "shopify_customers", "3"),
    )

    found = figures(ask, {INDEX})

    assert found.duplicated == 2
    assert found.duplicates == (
        Duplicate("shopify_customers", "2", 3, ("U-3",)),
        Duplicate("shopify_customers", "1", 2, ("U-1", "U-2")),
    )
    assert found.cardinality == {1: 4}


def test_a_question_that_fails_is_no_zero(database: duckdb.DuckDBPyConnection, ask: Ask) -> None:
    database.execute(f"create table {STRIPE} (another varchar)")

    with pytest.raises(duckdb.Error, match="customer_id"):
        figures(ask, {INDEX, STRIPE})
