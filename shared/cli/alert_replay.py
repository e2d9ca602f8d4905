"""What the topics still have of the past, as happenings for a preview of rules."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from shared.cli.output import progress
from shared.runtime.settings import Settings

if TYPE_CHECKING:
    from shared.alerting.preview import Happening
    from shared.alerting.rule import Rules
    from shared.alerting.series import SignalSource
    from shared.alerting.signals.every import Sources

LEARNING = timedelta(days=7)
"""Of so much before, commits are read where a rule asks how long silences usually are."""
BEFORE = timedelta(hours=7)
"""Of so much before, otherwise: a wave is stale after six hours."""
_PLACE = re.compile(r"(.+)/\d+/\d+")


class SignalSettings(Settings):
    """The shared settings, and what alerter holds events against."""

    alerter_objective_landing_s: float = Field(default=5.0, gt=0, description="landing")
    alerter_objective_derived_s: float = Field(default=60.0, gt=0, description="derived")
    alerter_expected_every: str = Field(default="", description="longest normal silences")


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic: when it was written, and what it is of."""

    at: float
    topic: str
    record: Any


def sources_of(settings: SignalSettings) -> Sources:
    """Sources that follow topics, as an alerter with these settings has them."""
    from shared.alerting.signals.every import following
    from shared.alerting.signals.expected import expected_every
    from shared.alerting.signals.freshness import Objectives
    from shared.contracts.topics import DEAD_LETTERS
    from shared.tables.registry import TABLES

    return following(
        TABLES,
        [topic for spec in TABLES.values() for topic in spec.topics if topic != DEAD_LETTERS],
        objectives=Objectives(
            settings.alerter_objective_landing_s, settings.alerter_objective_derived_s
        ),
        expected=expected_every(settings.alerter_expected_every),
    )


def lead(rules: Rules) -> timedelta:
    """How long rules must have been evaluated before it is seen how they stand."""
    from shared.alerting.reach import windows

    longest = max(windows(rule.condition for rule in rules.values()).values(), default=0.0)
    held = max(
        (r.for_s + r.keep_firing_for_s + 2 * r.interval_s for r in rules.values()), default=0.0
    )
    return timedelta(seconds=longest + held)


async def recorded(
    settings: Settings, rules: Rules, sources: Iterable[SignalSource], begin: datetime
) -> list[Record]:
    """The records that these rules depend on: of before ``begin`` what is needed, and all since.

    Raises:
        NotFound: a topic does not exist.
        Unavailable: the broker does not answer.
    """
    from shared.alerting.reach import signals
    from shared.alerting.signals import silence
    from shared.contracts.topics import COMMITS, PARTITIONS, TABLES

    asked = frozenset[str]().union(*(signals(rule.condition) for rule in rules.values()))
    topics: frozenset[str] = frozenset().union(
        *(getattr(each, "reads", ()) for each in sources if not asked.isdisjoint(each.names))
    )
    learned = not asked.isdisjoint(silence.Silence.names)
    found: list[Record] = []
    for topic in sorted(topics):
        before = LEARNING if learned and topic == COMMITS else BEFORE
        since = None if topic in (TABLES, PARTITIONS) else begin - before
        found += await _read(settings, topic, since)
        progress("read", topic=topic, records=len(found))
    return sorted(found, key=lambda each: each.at)


async def _read(settings: Settings, topic: str, since: datetime | None) -> list[Record]:
    """A topic from a time on, or whole; times of one partition never go back."""
    from shared.runtime import log_ranges
    from shared.runtime.errors import NotFound
    from shared.runtime.log_bounds import log_bounds

    bounds = await log_bounds(settings, [topic])
    if not bounds:
        raise NotFound(f"the broker has no topic {topic}", "run `bergline bootstrap`")
    ranges = {key: (log.start, log.end) for key, log in bounds.items()}
    if since is not None:
        begins = await log_ranges.offsets_at(settings, bounds, since)
        ranges = {
            key: (log.end if begins[key] is None else begins[key] or 0, log.end)
            for key, log in bounds.items()
        }
    last: dict[int, float] = {}
    found = []
    async with contextlib.aclosing(log_ranges.read_range(settings, ranges)) as records:
        async for record in records:
            at = max(record.timestamp / 1000, last.get(record.partition, 0.0))
            last[record.partition] = at
            found.append(Record(at, topic, record))
    return found


def watched(records: Sequence[Record], begin: datetime) -> Iterator[Record]:
    """The records, telling on the way how far they are."""
    step = max(1, len(records) // 10)
    for number, record in enumerate(records):
        if number % step == step - 1 and record.at > begin.timestamp():
            until = datetime.fromtimestamp(record.at, UTC)
            progress("replayed", until=until.isoformat(timespec="seconds"))
        yield record


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
            return sources.letters.letter(key, topic)
        if told.topic == TABLES and record.value is None:
            return sources.gone(key)
        event = decoded(record)
        return () if event is None else sources.event(told.topic, event)

    return take
