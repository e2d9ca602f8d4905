"""Whatever is told again, however it is mixed, and wherever an alerter begins: the same signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.series import Vector
from shared.alerting.signals.every import Sources, following
from shared.alerting.signals.following import Following
from shared.alerting.signals.rhythm import Remembered
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, PARTITIONS, TABLES
from shared.runtime.metrics import SIGNALS
from tests.unit.alerting.signals import histories
from tests.unit.alerting.signals.histories import MART, NOON, RAW, REJECTED, STAGED, TOPIC

Told = list[tuple[str, Event]]

COUNTED = frozenset(name for name, metric in SIGNALS.items() if metric.kind == "counter")
LEARNED = frozenset(
    {
        "lakehouse_table_snapshot_limit",
        "lakehouse_table_uncompacted_files",
        "lakehouse_table_delay_seconds",
        "lakehouse_table_objective_missed",
        "iceberg_pipeline_last_success_timestamp",
        "iceberg_pipeline_run_duration_seconds",
    }
)
"""What follows from more than the last states."""


def sources(remembered: Mapping[str, Remembered] | None = None) -> Sources:
    return following(histories.TABLES, [TOPIC], remembered=remembered)


def begun(told: Iterable[tuple[str, Event]] = ()) -> Sources:
    """Sources that have caught up, perhaps with some history."""
    found = sources()
    for topic, event in told:
        found.event(topic, event)
    for topic in {each for source in found.all for each in source.reads}:
        found.caught_up(topic)
    return found


def vectors(found: Sources, now: float = NOON) -> dict[str, Vector]:
    return {name: vector for source in found.all for name, vector in source.vectors(now).items()}


@given(told=histories.histories(), chance=st.randoms(use_true_random=False))
def test_events_told_again_change_nothing(told: Told, chance: Random) -> None:
    once, often = begun(), begun()
    for at, (topic, event) in enumerate(told):
        once.event(topic, event)
        often.event(topic, event)
        for _ in range(chance.randint(0, 2)):
            # What is told again is of a key's last events: a retry, or an outbox that begins anew.
            again = [e for t, e in told[: at + 1] if t == topic and e.key() == event.key()]
            back = chance.randint(0, 0 if topic == PARTITIONS else 3)
            for repeated in again[-1 - back :]:
                often.event(topic, repeated)
    assert vectors(once) == vectors(often)


@given(told=histories.histories(), chance=st.randoms(use_true_random=False))
def test_topics_may_be_read_at_their_own_pace(told: Told, chance: Random) -> None:
    """Order holds within a key. Between keys only what was late when it was late depends on it."""
    straight, mixed = begun(), begun()
    for topic, event in told:
        straight.event(topic, event)
    keys = {(topic, event.key()) for topic, event in told}
    queues = {key: [e for t, e in told if (t, e.key()) == key] for key in keys}
    while queues:
        topic, key = chance.choice(sorted(queues))
        mixed.event(topic, queues[topic, key].pop(0))
        if not queues[topic, key]:
            del queues[topic, key]
    expected, found = vectors(straight), vectors(mixed)
    for name in expected.keys() - LEARNED:
        assert found[name] == expected[name], name


@given(told=histories.histories(), cut=st.integers(0, 25), lost=st.integers(0, 10))
def test_an_alerter_that_begins_in_the_middle_sees_what_one_sees_that_was_there(
    told: Told, cut: int, lost: int
) -> None:
    """The new one reads some commits again, the states of all tables, and goes on from there."""
    cut = min(cut, len(told))
    old = begun(told[:cut])
    remembered = old.silence.remembered()
    new = sources(remembered)
    last: dict[str, TableCommitted] = {}
    for at, (topic, event) in enumerate(told[:cut]):
        if isinstance(event, TableCommitted):
            last[event.table] = event
        if at >= lost or topic != COMMITS:
            new.event(topic, event)
    for state in last.values():
        new.event(TABLES, state)
    for topic in {each for source in new.all for each in source.reads}:
        new.caught_up(topic)
    for topic, event in told[cut:]:
        old.event(topic, event)
        new.event(topic, event)
    expected, found = vectors(old), vectors(new)
    for name in expected.keys() - LEARNED:
        if name in ("lakehouse_wave_age_seconds", "lakehouse_table_staleness_seconds"):
            # Of waves that are older than what was read once more only the newest is known.
            assert found[name].keys() == expected[name].keys()
            assert all(found[name][s] <= age for s, age in expected[name].items())
            assert {s for s, age in found[name].items() if age} == {
                s for s, age in expected[name].items() if age
            }
        elif name == "lakehouse_reader_floor_age_seconds":
            assert found[name].keys() == expected[name].keys()
            assert {s for s, age in found[name].items() if age} == {
                s for s, age in expected[name].items() if age
            } or lost
        else:
            assert found[name] == expected[name], name


@given(told=histories.histories())
def test_what_an_event_changes_is_told(told: Told) -> None:
    """Else rules would wait for their interval."""
    found = begun()
    for topic, event in told:
        before = vectors(found)
        names = found.event(topic, event)
        after = vectors(found)
        assert {name for name in after if after[name] != before[name]} <= names


@given(told=histories.histories())
def test_a_table_that_is_gone_has_no_series_of_its_own(told: Told) -> None:
    found = begun(told)
    for table in (RAW, STAGED, REJECTED, MART):
        found.gone(table)
    told_of = {
        (name, series)
        for name, vector in vectors(found).items()
        for series in vector
        if {"table", "target", "reader"} & {label for label, _ in series}
    }
    always = COUNTED | {"lakehouse_wave_age_seconds"}
    assert {(name, s) for name, s in told_of if name not in always} == set()
    assert set(vectors(found)["lakehouse_wave_age_seconds"].values()) == {0.0}


def test_sources_know_nothing_before_they_have_caught_up_with_all_that_they_read() -> None:
    found = sources()
    reading: Following = found.all[0]
    assert not reading.known(0)
    for topic in reading.reads - {TABLES}:
        found.caught_up(topic)
    assert not reading.known(0)
    found.caught_up(TABLES)
    assert reading.known(0)


def test_sources_give_exactly_the_signals_that_they_name_and_those_are_declared() -> None:
    found = begun()
    for source in found.all:
        assert source.vectors(NOON).keys() == source.names
        assert source.names <= SIGNALS.keys()
    for name, vector in vectors(found).items():
        for series in vector:
            assert {label for label, _ in series} <= set(SIGNALS[name].labels)
