"""What the topics still have of the past, as happenings for a preview of rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from shared.alerting.signals.services import EVERY_SERVICE
from shared.alerting.signals.thinned import DENSE_S
from shared.cli.alert_past import Record
from shared.runtime.settings import Settings

if TYPE_CHECKING:
    from shared.alerting.preview import Happening
    from shared.alerting.rule import Rules
    from shared.alerting.series import SignalSource
    from shared.alerting.signals.every import Sources

LEARNING = timedelta(days=7)
"""Of so much before, commits are read where a rule asks how long silences usually are."""
BEFORE = timedelta(hours=13)
"""Of so much before, otherwise: a reader holds a floor after twelve hours."""
_PLACE = re.compile(r"(.+)/\d+/\d+")


class SignalSettings(Settings):
    """The shared settings, and what alerter holds events against."""

    alerter_objective_landing_s: float = Field(default=5.0, gt=0, description="landing")
    alerter_objective_derived_s: float = Field(default=60.0, gt=0, description="derived")
    alerter_expected_every: str = Field(default="", description="longest normal silences")
    stream_writer_dense_s: float = Field(default=DENSE_S, ge=1, description="dense snapshots")
    alerter_expected_services: str = Field(default=EVERY_SERVICE, description="meant to run")


def sources_of(settings: SignalSettings) -> Sources:
    """Sources that follow topics, as an alerter with these settings has them."""
    from shared.alerting.signals.every import following
    from shared.alerting.signals.expected import expected_every
    from shared.alerting.signals.freshness import Objectives
    from shared.alerting.signals.services import BUILDER, expected_services
    from shared.contracts.topics import DEAD_LETTERS
    from shared.tables.registry import TABLES

    return following(
        TABLES,
        [topic for spec in TABLES.values() for topic in spec.topics if topic != DEAD_LETTERS],
        objectives=Objectives(
            settings.alerter_objective_landing_s, settings.alerter_objective_derived_s
        ),
        expected=expected_every(settings.alerter_expected_every),
        dense_s=settings.stream_writer_dense_s,
        built=BUILDER in expected_services(settings.alerter_expected_services),
    )


def lead(rules: Rules) -> timedelta:
    """How long rules must have been evaluated before it is seen how they stand."""
    from shared.alerting.reach import windows

    longest = max(windows(rule.condition for rule in rules.values()).values(), default=0.0)
    held = max(
        (r.for_s + r.keep_firing_for_s + 2 * r.interval_s for r in rules.values()), default=0.0
    )
    return timedelta(seconds=longest + held)


def starts(
    rules: Rules, sources: Iterable[SignalSource], begin: datetime
) -> dict[str, datetime | None]:
    """The topics that these rules depend on, and from when on each is read; ``None``: whole."""
    from shared.alerting.reach import signals
    from shared.alerting.signals import silence
    from shared.alerting.signals.uncompacted_files import TOLD_WITHIN
    from shared.contracts.topics import COMMITS, MAINTENANCE, PARTITIONS, TABLES

    asked = frozenset[str]().union(*(signals(rule.condition) for rule in rules.values()))
    topics: frozenset[str] = frozenset().union(
        *(getattr(each, "reads", ()) for each in sources if not asked.isdisjoint(each.names))
    )
    before = {MAINTENANCE: TOLD_WITHIN}
    if not asked.isdisjoint(silence.Silence.names):
        before[COMMITS] = LEARNING
    return {
        topic: None if topic in (TABLES, PARTITIONS) else begin - before.get(topic, BEFORE)
        for topic in sorted(topics)
    }


def happenings(records: Iterable[Record], sources: Sources, begin: float) -> Iterator[Happening]:
    """The records as an alerter takes them that has caught up with everything at ``begin``.

    Of ``lakehouse.tables`` it is told then how tables stood that had no commit lately; what stands
    there by now is of later, and commits tell it.
    """
    from shared.alerting.preview import Happening
    from shared.contracts.topics import TABLES

    states: dict[bytes, Record] = {}
    caught_up = False
    for record in records:
        if not caught_up and record.at > begin:
            caught_up = True
            yield Happening(begin, _catching_up(sources, states))
        if record.topic == TABLES:
            states.pop(record.record.key, None)
        if record.topic == TABLES and record.record.value is not None:
            states[record.record.key] = record
        else:
            yield Happening(record.at, _taking(sources, record))
    if not caught_up:
        yield Happening(begin, _catching_up(sources, states))


def _catching_up(sources: Sources, states: Mapping[bytes, Record]) -> Callable[[], Collection[str]]:
    def take() -> Collection[str]:
        for state in states.values():
            _taking(sources, state)()
        for topic in frozenset[str]().union(*(each.reads for each in sources.all)):
            sources.caught_up(topic)
        return ()

    return take


def _taking(sources: Sources, told: Record) -> Callable[[], Collection[str]]:
    from shared.contracts.dead_letters import TOPIC_HEADER
    from shared.contracts.envelope import read
    from shared.contracts.topics import DEAD_LETTERS, TABLES
    from shared.runtime.event_log import decoded

    def take() -> Collection[str]:
        record = told.record
        key = (record.key or b"").decode("utf-8", "replace")
        if told.topic == DEAD_LETTERS:  # its value is never looked at: it holds plaintext
            place = _PLACE.fullmatch(key)
            headers: Mapping[str, str] = read(record.headers or ())
            topic = headers.get(TOPIC_HEADER) or (place[1] if place else "")
            return sources.letters.letter(key, topic, told.at)
        if told.topic == TABLES and record.value is None:
            return sources.gone(key)
        event = decoded(record)
        return () if event is None else sources.event(told.topic, event)

    return take
