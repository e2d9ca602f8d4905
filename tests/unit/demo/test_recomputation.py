"""The second computation agrees with the transformer's functions, and sees each row that differs.

The demonstration's webhooks are landed in memory and every table is built by the functions that
transformer runs; the queries know nothing of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from deploy.demo.recomputation import RAW, RECOMPUTED, Comparison, compare, left_out, recompute
from deploy.generator.plan import plan
from services.transformer import tokens
from services.transformer.framework.registry import TRANSFORMS
from shared.tables.lineage import in_order
from shared.tables.registry import TABLES, derived_tables
from tests.support.memory_lake import MemoryLake
from tests.support.raw_rows import RECEIVED, frame, landed

AS_OF = date(2026, 6, 5)
BEFORE = datetime(1999, 12, 31, tzinfo=UTC)
AHEAD = RECEIVED + timedelta(days=3)


def odd(rows: pl.DataFrame) -> pl.DataFrame:
    """Two rows without an id, one created too early, one whose vendor's clock is days ahead."""
    at = pl.int_range(pl.len())
    return rows.with_columns(
        id=pl.when(at < 2).then(None).otherwise("id"),
        created_at=pl.when(at == 2).then(pl.lit(BEFORE)).otherwise("created_at"),
        updated_at=pl.when(at == 3).then(pl.lit(AHEAD)).otherwise("updated_at"),
    )


@dataclass(frozen=True)
class Both:
    """Every table of the vertical as transformer's functions make it, and as the queries do."""

    stored: Mapping[str, pa.Table]
    expected: Mapping[str, pa.Table]

    def compare(self, name: str, rows: pa.Table) -> Comparison:
        return compare(name, rows, self.expected[name])


@pytest.fixture(scope="module")
def both() -> Both:
    tokens.use(tokens.TokenKey(b"for tests and nothing else"))
    lake = MemoryLake(TABLES, chunk=50)
    deliveries = plan(7, 600)
    for name in RAW:
        rows = landed(deliveries, TABLES[name].topics[0])
        lake.write(name, odd(frame(rows)))
    for name in in_order(TABLES):
        if name in TRANSFORMS:
            lake.build(TRANSFORMS[name], AS_OF)
    stored = {name: lake.tables[name].rows.to_arrow() for name in (*RAW, *RECOMPUTED)}
    return Both(stored, recompute(stored, AS_OF))


def test_every_derived_table_is_recomputed() -> None:
    assert set(RECOMPUTED) == {spec.name for spec in derived_tables()}


@pytest.mark.parametrize("name", RECOMPUTED)
def test_both_ways_agree(both: Both, name: str) -> None:
    found = both.compare(name, both.stored[name])

    assert found.equal, found
    assert found.rows == found.expected > 0


@pytest.mark.parametrize("name", RECOMPUTED)
def test_a_row_that_is_missing_is_found(both: Both, name: str) -> None:
    found = both.compare(name, both.stored[name].slice(1))

    assert (found.missing, found.unasked) == (1, 0)
    assert len(found.examples) == 1


@pytest.mark.parametrize("name", RECOMPUTED)
def test_a_row_that_is_there_twice_is_found(both: Both, name: str) -> None:
    rows = both.stored[name]

    found = both.compare(name, pa.concat_tables([rows, rows.slice(0, 1)]))

    assert (found.missing, found.unasked) == (0, 1)


@pytest.mark.parametrize("name", RECOMPUTED)
def test_every_column_but_tokens_and_stamps_is_compared(both: Both, name: str) -> None:
    """Whatever column is emptied in one row, it is seen, unless all of it is empty."""
    rows = frame(both.stored[name])
    right, wrong = [], []
    for column in TABLES[name].columns:
        with_value = rows[column.name].is_not_null().arg_true()
        if column.name not in left_out(TABLES[name]) and not with_value.is_empty():
            row = rows[with_value[0]]
            right.append(row)
            wrong.append(
                row.with_columns(pl.lit(None, rows.schema[column.name]).alias(column.name))
            )

    found = compare(name, pl.concat(wrong).to_arrow(), pl.concat(right).to_arrow())

    assert len(right) > 3
    assert found.missing == found.unasked == len(right)
