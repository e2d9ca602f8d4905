"""A table with a history for each specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.row_histories import DAILY, RowHistory


@pytest.fixture
def history(tmp_path: Path) -> RowHistory:
    """Unpartitioned."""
    return RowHistory(tmp_path / "plain")


@pytest.fixture
def daily(tmp_path: Path) -> RowHistory:
    """Partitioned by the day of ``at``."""
    return RowHistory(tmp_path / "daily", DAILY)
