"""What the tests of both explorations stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.explore.seeds import quiet


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Faults are what is wanted: nothing is logged of them."""
    before = structlog.get_config()
    quiet()
    yield
    structlog.configure(**before)
