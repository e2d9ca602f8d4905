"""What a worker tells of a build that failed: enough to act on, and no values of rows."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from services.transformer.request import BuildReport, BuildRequest
from services.transformer.workers.worker import Failed, Worker
from shared.runtime.errors import CheckFailed
from shared.runtime.told_errors import LONGEST
from shared.tables.core.first_orders import FIRST_ORDERS


class Builder:
    """Raises what a build raises."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def build(self, target: str, request: BuildRequest) -> BuildReport:
        if self.error is not None:
            raise self.error
        from services.transformer.framework.frames import computed, conform, schema

        wanted = schema(FIRST_ORDERS, computed(FIRST_ORDERS))
        rows = pl.DataFrame({name: [None] for name in wanted}, schema=wanted)
        rows = rows.with_columns(order_hour=pl.lit(8_800_000_000_000, dtype=pl.Int64))
        conform(rows, FIRST_ORDERS)
        return BuildReport("nothing")


def told(builder: Builder) -> Failed:
    worker: Any = Worker.__new__(Worker)
    worker._builder = builder
    found = worker.build("core.orders", None)
    assert isinstance(found, Failed)
    return found


def test_our_own_errors_are_told_in_their_words() -> None:
    found = told(Builder(CheckFailed("two rows of one key", "correct the function")))
    assert found == Failed("CheckFailed", "two rows of one key\ncorrect the function")


def test_what_a_library_says_may_quote_a_row_and_is_not_passed_on() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError, match="ada@example") as raised:
        pl.Series(["ada@example.com"]).cast(pl.Int64)
    found = told(Builder(raised.value))
    assert found.error_type == "InvalidOperationError"
    assert "ada" not in found.error
    assert "services.transformer.workers.worker, line" in found.error


def test_a_value_that_does_not_fit_its_column_is_not_quoted() -> None:
    found = told(Builder())
    assert found.error_type == "CheckFailed"
    assert "order_hour" in found.error
    assert "8800000000000" not in found.error


def test_a_panic_of_polars_does_not_end_the_worker() -> None:
    assert told(Builder(pl.exceptions.PanicException("quoted"))).error_type == "PanicException"


def test_an_error_always_fits_into_a_record() -> None:
    assert len(told(Builder(OSError("x" * 10_000_000))).error) == LONGEST


def test_an_order_to_end_is_none_of_the_builds_failures() -> None:
    with pytest.raises(SystemExit):
        told(Builder(SystemExit(1)))
