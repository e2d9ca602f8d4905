"""What topics have of the past, in order of time, with an hour of it in memory.

A busy platform tells of a million commits a day: they are read as they are gone through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from shared.cli.output import progress

if TYPE_CHECKING:
    from shared.runtime.log_bounds import LogBounds, PartitionKey
    from shared.runtime.settings import Settings

STEP = timedelta(hours=1)
"""What is read at a time."""
ASKED = 24
"""So many steps have their offsets asked for over one connection."""

_at = attrgetter("at")


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic: when it was written, and what it is of."""

    at: float
    topic: str
    record: Any


class Past:
    """The records of some topics, once, in order of time.

    Times of one partition never go back: a record that says so has that of the one before.

    Args:
        settings: where the broker is.
        starts: topic → from when on it is read; ``None``: all of it, at once, as of one that is
            compacted.
        until: records that were there then are read.
        step: what is read at a time.
    """

    def __init__(
        self,
        settings: Settings,
        starts: Mapping[str, datetime | None],
        until: datetime,
        step: timedelta = STEP,
    ) -> None:
        self._settings = settings
        self._starts = starts
        self._until = until
        self._step = step
        self._last: dict[PartitionKey, float] = {}
        self.read = 0
        """How many records have been read."""

    def __iter__(self) -> Iterator[Record]:
        """Reads on the way.

        Raises:
            NotFound: a topic does not exist.
            Unavailable: the broker does not answer, or retention has overtaken the reading.
        """
        if not self._starts:
            return
        bounds = asyncio.run(self._bounds())
        compacted = {key: log.start for key, log in bounds.items() if self._starts[key[0]] is None}
        whole = asyncio.run(self._between(compacted, {key: bounds[key].end for key in compacted}))
        moments = [since for since in self._starts.values() if since is not None]
        left = {key: log for key, log in bounds.items() if key not in compacted}
        begins = asyncio.run(self._begins(left))
        began = told = min(moments, default=self._until)
        tell = max(self._step, (self._until - began) / 10)
        for moment, ends in self._steps(left, began):
            until = {key: max(begins[key], end) for key, end in ends.items()}
            found = asyncio.run(self._between(begins, until)) if until != begins else []
            begins = until
            late = [each for each in whole if each.at >= moment.timestamp()]
            yield from sorted((*whole[: len(whole) - len(late)], *found), key=_at)
            whole = late
            if moment - told >= tell:
                at = min(moment, self._until).isoformat(timespec="seconds")
                progress("replayed", until=at, records=self.read)
                told = moment
        yield from whole

    def _steps(
        self, left: Mapping[PartitionKey, LogBounds], moment: datetime
    ) -> Iterator[tuple[datetime, dict[PartitionKey, int]]]:
        """The end of each step, and where the logs ended then."""
        while moment < self._until:
            steps: list[datetime] = []
            while moment < self._until and len(steps) < ASKED:
                moment += self._step
                steps.append(moment)
            yield from zip(steps, asyncio.run(self._ends(left, steps)), strict=True)

    async def _bounds(self) -> Mapping[PartitionKey, LogBounds]:
        from shared.runtime.errors import NotFound
        from shared.runtime.log_bounds import log_bounds

        bounds = await log_bounds(self._settings, self._starts)
        if missing := self._starts.keys() - {topic for topic, _ in bounds}:
            named = ", ".join(sorted(missing))
            raise NotFound(f"the broker has no topic {named}", "run `bergline bootstrap`")
        return bounds

    async def _begins(self, left: Mapping[PartitionKey, LogBounds]) -> dict[PartitionKey, int]:
        found: dict[PartitionKey, int] = {}
        for since in {each for each in self._starts.values() if each is not None}:
            keys = {key: log for key, log in left.items() if self._starts[key[0]] == since}
            found |= (await self._offsets(keys, [since]))[0]
        return found

    async def _ends(
        self, left: Mapping[PartitionKey, LogBounds], moments: Sequence[datetime]
    ) -> list[dict[PartitionKey, int]]:
        """Where each step ends: at the ends of the logs when it is over."""
        past = [each for each in moments if each < self._until]
        ends = {key: log.end for key, log in left.items()}
        found = await self._offsets(left, past) if past else []
        return [*found, *(ends for _ in moments[len(past) :])]

    async def _offsets(
        self, keys: Mapping[PartitionKey, LogBounds], moments: Sequence[datetime]
    ) -> list[dict[PartitionKey, int]]:
        """The first offsets that are not older; where there is none, the end."""
        from shared.runtime import log_ranges

        return [
            {
                key: log.end if (offset := at[key]) is None else min(offset, log.end)
                for key, log in keys.items()
            }
            for at in await log_ranges.offsets_at_each(self._settings, keys, moments)
        ]

    async def _between(
        self, begins: Mapping[PartitionKey, int], ends: Mapping[PartitionKey, int]
    ) -> list[Record]:
        from shared.runtime import log_ranges

        ranges = {key: (begins[key], end) for key, end in ends.items()}
        found = []
        async with contextlib.aclosing(log_ranges.read_range(self._settings, ranges)) as records:
            async for record in records:
                topic = self._settings.environment.logical_topic(record.topic)
                key = (topic, record.partition)
                at = max(record.timestamp / 1000, self._last.get(key, 0.0))
                self._last[key] = at
                found.append(Record(at, topic, record))
        self.read += len(found)
        return sorted(found, key=_at)
