"""Conditions in words: every part of a condition is in its sentence."""

import pytest

from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Match,
    Ratio,
    Selector,
)
from shared.alerting.in_words import in_words, span
from shared.alerting.reach import selectors
from shared.alerting.reading import built_in, read
from shared.runtime.metrics import SIGNALS

LAG = Selector("lag", (Match("topic", "=~", "stripe.*"),))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Comparison(LAG, ">", 10_000), "lag where topic is like stripe.* is above 10,000"),
        (Comparison(Selector("up"), "==", 0), "up is 0"),
        (Comparison(Selector("up"), "!=", 1), "up is not 1"),
        (Comparison(Selector("age"), ">=", 5400, duration=True), "age is at least 1h30m"),
        (Comparison(Selector("free"), "<", 0.15), "free is below 0.15"),
        (
            Comparison(Selector("silence"), "<=", Selector("usual", times=1.5)),
            "silence is at most 1.5 times usual",
        ),
        (
            Comparison(
                Ratio(
                    Selector("bad", window_s=900, over_time="increase"),
                    Selector("all", aggregation="sum", by=("table",)),
                ),
                ">",
                0.05,
            ),
            "the increase of bad over 15m, divided by the sum of all by table, is above 0.05",
        ),
        (Absent(Selector("alive")), "there is no series of alive"),
        (
            All(
                (
                    Comparison(Selector("a"), ">", 1),
                    Either((Absent(Selector("b")), Absent(Selector("c")))),
                )
            ),
            "a is above 1 and (there is no series of b or there is no series of c)",
        ),
    ],
)
def test_a_condition_is_a_sentence(condition: Condition, words: str) -> None:
    assert in_words(condition) == words


@pytest.mark.parametrize("rule", read(built_in(), known=SIGNALS).values(), ids=lambda r: r.name)
def test_no_signal_of_a_rule_is_left_out(rule) -> None:  # type: ignore[no-untyped-def]
    words = in_words(rule.condition)
    for selector in selectors(rule.condition):
        assert selector.signal in words
        assert all(match.value in words for match in selector.matches)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25s"), (90, "1m30s"), (3600, "1h"), (43_200, "12h"), (694_861, "1w1d1h1m1s")],
)
def test_spans_are_written_as_rules_have_them(seconds: float, text: str) -> None:
    assert span(seconds) == text
