"""Values as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.cli import words


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**40, "5.0 TiB")],
)
def test_sizes(count: int | None, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (-1, "for ever"),
        (604_800_000, "7 d"),
        (5_400_000, "90 min"),
        (1500, "1500 ms"),
        (0, "0 ms"),
    ],
)
def test_retentions(milliseconds: int | None, text: str) -> None:
    assert words.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (None, "–"),
        (timedelta(milliseconds=182), "+182 ms"),
        (timedelta(seconds=12.44), "+12.4 s"),
        (timedelta(milliseconds=-3), "-3 ms"),
    ],
)
def test_latencies(span: timedelta | None, text: str) -> None:
    assert words.latency(span) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(milliseconds=820), "820 ms"),
        (timedelta(seconds=12.4), "12 s"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=2), "2 d"),
    ],
)
def test_ages(span: timedelta, text: str) -> None:
    assert words.age(span) == text


def test_times_are_utc_with_milliseconds() -> None:
    assert words.moment(datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC)) == "2026-01-02 03:04:05.678Z"


def test_a_cell_is_never_markup_nor_control() -> None:
    assert words.cell("[red]a[/]\x1b") == "\\[red]a\\[/]\\x1b"
