"""Dead letters are counted once, and those of the time that nobody looked as far as they rose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.rules.ruleset import rule_files
from shared.alerting.reach import windows
from shared.alerting.series import Labels, labels
from shared.alerting.signals import dead_letters as module
from shared.alerting.signals.dead_letters import QUARTER_S, SEEN, DeadLetters
from shared.contracts.topics import DEAD_LETTERS

TOPIC = "shop.orders"
LOOKED = 1_000_000.0
MINUTE, HOUR = 60.0, 3600.0


def counts(source: DeadLetters) -> dict[Labels, float]:
    return dict(source.vectors(0)[SEEN])


def test_letters_are_counted_once_from_the_start_by_topics_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    found = DeadLetters([TOPIC])
    found.letter("a", TOPIC, LOOKED)
    found.caught_up(DEAD_LETTERS)
    assert not found.count_unseen(), "somebody looked all the time"
    assert counts(found) == {labels(topic=TOPIC): 0}
    assert not found.letter("a", TOPIC, LOOKED)
    for letter in ("b", "b", "c", "d", "b"):
        found.letter(letter, TOPIC, LOOKED)
    assert counts(found) == {labels(topic=TOPIC): 3}
    for number in range(100):
        found.letter(f"x{number}", f"made.up.{number}", LOOKED)
    assert counts(found) == {labels(topic=TOPIC): 3, (): 100}, "series are bounded"


def after(letters: list[float], topic: str = TOPIC) -> DeadLetters:
    """A source that finds letters announced so long after somebody last looked."""
    found = DeadLetters([TOPIC], LOOKED)
    for number, seconds in enumerate(letters):
        for _ in range(2):
            found.letter(f"{number}", topic, LOOKED + seconds)
    found.caught_up(DEAD_LETTERS)
    return found


def test_what_rose_while_nobody_looked_is_counted_after_the_counters_were_seen() -> None:
    burst = [2 * HOUR + second for second in range(40)]
    found = after([-HOUR, -1.0, *burst])
    assert counts(found) == {labels(topic=TOPIC): 0}, "nothing has increased that begins with 40"
    assert found.count_unseen() == found.names
    assert counts(found) == {labels(topic=TOPIC): 40}
    assert not found.count_unseen(), "once"
    found.letter("new", TOPIC, LOOKED + 3 * HOUR)
    assert counts(found) == {labels(topic=TOPIC): 41}


def test_some_every_hour_are_no_rise_however_long_nobody_looked() -> None:
    found = after([hour * HOUR + minute * MINUTE for hour in range(24) for minute in (5, 20)])
    found.count_unseen()
    assert counts(found) == {labels(topic=TOPIC): 1}


def test_letters_of_topics_that_are_none_of_ours_count_without_one() -> None:
    found = after([1.0, 2.0], "made.up")
    found.count_unseen()
    assert counts(found) == {labels(topic=TOPIC): 0, (): 2}


def test_a_quarter_of_an_hour_is_what_the_rule_looks_back_on() -> None:
    rules = rule_files(None, 1.0)
    rules.look()
    assert windows([rules.value["DeadLettersRising"].condition]) == {SEEN: float(QUARTER_S)}


@given(letters=st.lists(st.integers(0, 5000), max_size=40))
def test_it_is_the_quarter_of_an_hour_with_the_most(letters: list[int]) -> None:
    found = after([float(each) for each in sorted(letters)])
    found.count_unseen()
    most = max(
        (sum(first <= each < first + QUARTER_S for each in letters) for first in letters), default=0
    )
    assert counts(found) == {labels(topic=TOPIC): most}
