"""Another log under the same name is recognised, and what operators read settles it."""

from __future__ import annotations

import re
import shlex

import pytest

from shared.lake.log_identity import (
    Continue,
    Found,
    LogBounds,
    LogReplaced,
    LogTruncated,
    judge,
    operator_text,
    positions_lost_text,
)
from shared.lake.position import Tail

TAIL = Tail(99, "delivery-99", 1_767_323_046_000)
OTHER = Tail(99, "delivery-7", 1_767_323_046_000)
LATER = Tail(99, "delivery-99", 1_767_323_046_001)
ANONYMOUS = Tail(99, None, 1_767_323_046_000)


@pytest.mark.parametrize(
    ("at", "tail", "bounds", "found", "expected"),
    [
        pytest.param(None, None, (0, 0), None, Continue(0, first=True), id="never seen, log empty"),
        pytest.param(None, None, (40, 90), None, Continue(40, first=True), id="never seen"),
        pytest.param(100, TAIL, (0, 200), Found(TAIL), Continue(100), id="same log"),
        pytest.param(100, TAIL, (0, 100), Found(TAIL), Continue(100), id="same log, nothing new"),
        pytest.param(100, TAIL, (0, 200), Found(None), Continue(100), id="last record compacted"),
        pytest.param(100, TAIL, (100, 200), None, Continue(100), id="last record gone, next held"),
        pytest.param(100, TAIL, (100, 100), None, Continue(100), id="all consumed is gone"),
        pytest.param(100, None, (0, 200), None, Continue(100), id="just adopted"),
        pytest.param(0, None, (0, 0), None, Continue(0), id="adopted an empty log"),
        pytest.param(
            100, ANONYMOUS, (0, 200), Found(ANONYMOUS), Continue(100), id="no delivery ids"
        ),
    ],
)
def test_the_log_that_was_consumed_goes_on(
    at: int | None,
    tail: Tail | None,
    bounds: tuple[int, int],
    found: Found | None,
    expected: object,
) -> None:
    assert judge(at, tail, LogBounds(*bounds), found) == expected


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        pytest.param((0, 200), Found(OTHER), id="another delivery"),
        pytest.param((0, 200), Found(LATER), id="another timestamp"),
        pytest.param((0, 200), Found(ANONYMOUS), id="the delivery id is missing"),
        pytest.param((0, 99), None, id="ends one before the position"),
        pytest.param((0, 0), None, id="empty"),
        pytest.param((50, 60), None, id="ends before the position, start moved"),
    ],
)
def test_another_log_is_never_covered(bounds: tuple[int, int], found: Found | None) -> None:
    verdict = judge(100, TAIL, LogBounds(*bounds), found)
    assert isinstance(verdict, LogReplaced)
    assert (verdict.at, verdict.bounds) == (100, LogBounds(*bounds))


def test_records_gone_before_they_were_consumed_are_truncated() -> None:
    assert judge(100, TAIL, LogBounds(101, 200), None) == LogTruncated(100, LogBounds(101, 200))
    assert judge(100, None, LogBounds(150, 150), None) == LogTruncated(100, LogBounds(150, 150))


def command(text: str) -> list[str]:
    """The words of the command in an operator's text, as a shell would split them."""
    found = re.search(r"bergline offsets adopt .*", text)
    assert found is not None
    return shlex.split(found[0].rstrip("`"))


def test_the_text_about_another_log() -> None:
    verdict = judge(100, TAIL, LogBounds(3, 40), None)
    assert isinstance(verdict, LogReplaced)
    text = operator_text("raw.stripe_charges", "stripe.charges", 4, verdict)
    for word in ("LogReplaced", "raw.stripe_charges", "stripe.charges/4", "[3, 40)", "at 100"):
        assert word in text
    assert "the log ends at 40, before the position 100" in text
    assert command(text) == [
        *("bergline", "offsets", "adopt", "raw.stripe_charges"),
        *("--topic", "stripe.charges", "--partition", "4"),
        *("--from", "3", "--reason", "topic was recreated"),
    ]


def test_the_text_names_the_record_that_differs() -> None:
    verdict = judge(100, TAIL, LogBounds(0, 200), Found(OTHER))
    assert isinstance(verdict, LogReplaced)
    assert "the record at 99 is not the one consumed" in operator_text("t.t", "t", 0, verdict)


def test_the_text_about_a_truncated_log() -> None:
    text = operator_text(
        "raw.stripe_charges", "stripe.charges", 4, LogTruncated(100, LogBounds(130, 200))
    )
    for word in ("LogTruncated", "raw.stripe_charges", "stripe.charges/4", "[100, 130)"):
        assert word in text
    assert "30 offsets lost" in text
    assert command(text) == [
        *("bergline", "offsets", "adopt", "raw.stripe_charges"),
        *("--topic", "stripe.charges", "--partition", "4"),
        *("--from", "130", "--reason", "retention was too short"),
    ]


def test_the_text_about_lost_positions() -> None:
    text = positions_lost_text("raw.stripe_charges")
    assert "PositionsLost: raw.stripe_charges has snapshots" in text
    assert "`bergline tables history raw.stripe_charges`" in text
    assert command(text)[:6] == [
        *("bergline", "offsets", "adopt", "raw.stripe_charges", "--from", "0=N")
    ]
