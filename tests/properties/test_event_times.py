"""What the platform takes for the time of an event is what a timestamp column would hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.stream_writer.parsing.timestamps import iso_8601
from services.stream_writer.parsing.values import Misfit, plain
from shared.contracts.column_types import TimeFormat
from shared.contracts.envelope import rfc3339
from shared.sources.attributes import iso_moment, unix_milliseconds_moment, unix_moment
from shared.tables.spec import Column, Type
from tests.properties.payloads import DATES, FRACTIONS, OFFSETS, TIMES

SPELLINGS = [
    date + separator + time + fraction + offset
    for date, separator, time, fraction, offset in itertools.product(
        DATES, "Tt ", TIMES, FRACTIONS, OFFSETS
    )
]


def test_every_spelling_that_a_column_takes_is_the_same_moment() -> None:
    taken = 0
    for spelling in SPELLINGS:
        if (held := iso_8601(spelling)) is not None:
            moment = iso_moment(spelling)
            assert moment is not None, spelling
            assert rfc3339(moment) == held, spelling
            taken += 1
    assert taken > 1000


@given(
    st.integers(86_400, 253_402_214_400).map(
        lambda second: datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    ),
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from(["", ":"]),
    st.sampled_from(["T", "t", " "]),
)
def test_any_offset_is_the_moment_in_utc(
    moment: datetime, minutes: int, colon: str, separator: str
) -> None:
    local = (moment + timedelta(minutes=minutes)).replace(tzinfo=None)
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"
    text = local.isoformat(separator) + offset
    assert iso_moment(text) == moment
    assert iso_8601(text) == rfc3339(moment)


numbers = st.integers(-(10**20), 10**20) | st.floats() | st.booleans() | st.none()


@pytest.mark.parametrize(
    ("read", "time_format", "per_second"),
    [
        (unix_moment, TimeFormat.UNIX_SECONDS, 1),
        (unix_milliseconds_moment, TimeFormat.UNIX_MILLISECONDS, 1000),
    ],
)
@given(number=numbers, as_text=st.booleans())
@example(number=253402300799, as_text=False)
@example(number=253402300800, as_text=False)
@example(number=-62135596800, as_text=True)
@example(number=-62135596801, as_text=True)
@example(number=253402300800000, as_text=False)
def test_every_count_that_a_column_takes_is_the_same_moment(
    read: Callable[[object], datetime | None],
    time_format: TimeFormat,
    per_second: int,
    number: object,
    as_text: bool,
) -> None:
    value = str(number) if as_text and isinstance(number, int) else number
    column = Column("it", Type.TIMESTAMP, 1, ("it",), time_format)
    moment = read(value)
    if not isinstance(number, int) or isinstance(number, bool):
        return
    try:
        held = plain(column, f'"{value}"'.encode() if as_text else str(value).encode())
    except Misfit:
        assert moment is None
        return
    assert isinstance(held, int)
    assert moment == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=held // per_second, milliseconds=held % per_second
    )
