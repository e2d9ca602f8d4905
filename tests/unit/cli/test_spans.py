"""Spans of time as they are typed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.cli.spans import span
from shared.runtime.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        (" 7d ", timedelta(days=7)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_number_and_a_unit(text: str, meant: timedelta) -> None:
    assert span(text) == meant


@pytest.mark.parametrize(
    "text", ["", "7", "yesterday", "-1h", "0s", "1w", "3651d", "999999999d", "9" * 400 + "d"]
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--for"):
        span(text, "--for")
