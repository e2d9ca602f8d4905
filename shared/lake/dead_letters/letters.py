"""Dead letters as their table has them, and how an operator says which are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.tables.metadata import DEAD_LETTERS, DEAD_LETTERS_HANDLED

TABLE, HANDLED_TABLE = DEAD_LETTERS.name, DEAD_LETTERS_HANDLED.name

UNREADABLE = "unreadable"
"""Stage of a record on the topic of dead letters that is none: nobody announces it once more."""

Place = tuple[str, int, int]
"""(topic, partition, offset)."""

RowKey = tuple[str, int, int, datetime]
"""Place and time of loading: a log that is made anew uses its places again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; what is not said does not matter.

    Attributes:
        ids: their ids.
        source: vendor, the first word of the topic.
        topic, reason, stage: as the letters have them.
        since, until: failed at ``since`` or later, and before ``until``.
    """

    ids: tuple[str, ...] = ()
    source: str | None = None
    topic: str | None = None
    reason: str | None = None
    stage: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is said."""
        return self == Choice()

    def told(self) -> dict[str, str]:
        """What is said, for the record of what was done."""
        said = {
            "ids": ", ".join(self.ids[:20]) + (", …" if len(self.ids) > 20 else ""),
            "source": self.source,
            "topic": self.topic,
            "reason": self.reason,
            "stage": self.stage,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }
        return {name: text for name, text in said.items() if text}


@dataclass(frozen=True, slots=True)
class Replay:
    """What is known of the replays of one dead letter: how many, and the last one."""

    times: int
    last_at: datetime
    last_actor: str
    last_place: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes:
        id: position of the bad record, delivery id of a refused request, or for what is no dead
            letter its own position on their topic.
        place: where its announcement stands.
        stage, service, reason, detail: where it failed, and why.
        topic, partition, offset: of the bad record; for a refused request the topic that it was
            meant for.
        headers, record_key, value: as they were; ``value`` is ``None`` where it was not asked for.
        size: bytes of the value.
        left_out: the value or what is beside it was too large to be carried.
        origin: the dead letter that the record was a replay of.
        replay: what is known of replays, ``None`` when there was none.
    """

    id: str
    place: Place
    stage: str
    service: str | None
    reason: str
    detail: str | None
    topic: str | None
    partition: int | None
    offset: int | None
    delivery_id: str | None
    vendor_event_id: str | None
    failed_at: datetime
    received_at: datetime | None
    loaded_at: datetime
    headers: Mapping[str, str]
    record_key: bytes | None
    value: bytes | None
    size: int
    left_out: bool
    origin: str | None
    replay: Replay | None = None

    @property
    def readable(self) -> bool:
        """Whether it is a dead letter, and not a record that should be one."""
        return self.stage != UNREADABLE


@dataclass(frozen=True, slots=True)
class Found:
    """Dead letters that were chosen, newest first, of one version of the table.

    Attributes:
        letters: as many as were asked for.
        total: how many there are.
        snapshot_id: of the version.
    """

    letters: tuple[Letter, ...]
    total: int
    snapshot_id: int | None
    by_reason: Mapping[str, int] = field(default_factory=dict)
