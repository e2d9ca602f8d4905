"""Settings that are more than a number."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from services.transformer import tokens
from services.transformer.config import SHORTEST_KEY, TransformerSettings


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", date(2026, 11, 26)),
        ("Europe/Berlin", date(2026, 11, 27)),
        ("America/New_York", date(2026, 11, 26)),
    ],
)
def test_the_business_date_is_that_of_the_time_zone(zone: str, day: date) -> None:
    settings = TransformerSettings(transformer_time_zone=zone)
    assert settings.business_date(datetime(2026, 11, 26, 23, 30, tzinfo=UTC)) == day


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="'Mars/Olympus' is no time zone"):
        TransformerSettings(transformer_time_zone="Mars/Olympus")


def test_an_empty_key_is_none() -> None:
    """Anybody could make tokens with it."""
    assert TransformerSettings(transformer_token_key="").transformer_token_key is None


@pytest.mark.parametrize("secret", ["short", " " * 20, "x" * 15 + " "])
def test_a_key_that_can_be_guessed_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(ValidationError, match="it needs 16 bytes"):
        TransformerSettings(transformer_token_key=secret)
    assert SHORTEST_KEY == tokens.SHORTEST_KEY
