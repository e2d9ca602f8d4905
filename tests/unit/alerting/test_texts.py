"""What stands in texts for values and labels: as Prometheus' functions show it."""

from __future__ import annotations

import pytest

from shared.alerting.texts import duration, filled, percentage


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0125, "12.5ms"),
        (1.5, "1.5s"),
        (59.99, "59.99s"),
        (60, "1m 0s"),
        (3725.9, "1h 2m 5s"),
        (90061, "1d 1h 1m 1s"),
        (86400, "1d 0h 0m 0s"),
        (-125, "-2m 5s"),
        (float("inf"), "+Inf"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0593220, "5.932%"), (1, "100%"), (float("nan"), "NaN")]
)
def test_percentages(share: float, text: str) -> None:
    assert percentage(share) == text


def test_forms_of_the_value_in_texts() -> None:
    text = "{table}: {value}, {value:duration}, {value:percentage}, {value:other}, {gone}."
    assert filled(text, 1250.0, {"table": "a"}) == (
        "a: 1.25k, 20m 50s, 1.25e+05%, {value:other}, ."
    )
