"""Waiting until every landing table has consumed its topics to the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from pyiceberg.catalog.rest import RestCatalog

from shared.lake.handle import TableHandle
from shared.lake.recorded import recorded
from shared.runtime.errors import CheckFailed
from shared.runtime.log_bounds import LogBounds, log_bounds
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES, landing_tables

POLL_SECONDS = 0.2
DEADLINE_SECONDS = 90.0

Behind = Mapping[tuple[str, int], int]
"""(logical topic, partition) → records not yet in its table."""


async def settled(
    settings: Settings,
    catalog: RestCatalog,
    observe: Callable[[int], None] = lambda _: None,
    *,
    deadline_s: float = DEADLINE_SECONDS,
) -> dict[tuple[str, int], LogBounds]:
    """Return the log ends once the positions recorded in the tables have reached them.

    Args:
        settings: where broker and catalog are.
        catalog: used by one thread at a time.
        observe: told how many records are still missing, again and again.
        deadline_s: longest wait.

    Raises:
        CheckFailed: the deadline passed; the message names each partition and how far it is
            behind.
    """
    topics = [topic for table in landing_tables() for topic in table.topics]
    give_up = time.monotonic() + deadline_s
    reached: dict[tuple[str, int], int] = {}
    tables = [TableHandle(catalog, settings.environment, spec.name) for spec in landing_tables()]
    ends, just_asked = await log_bounds(settings, topics), True
    while True:
        behind = await asyncio.to_thread(_behind, tables, ends, reached)
        observe(sum(behind.values()))
        if not behind and just_asked:
            return ends
        if not behind:  # the broker is asked once more, not all the while: that is more work
            ends, just_asked = await log_bounds(settings, topics), True
            continue
        just_asked = False
        if time.monotonic() > give_up:
            places = ", ".join(
                f"{topic}/{partition}: {count}" for (topic, partition), count in behind.items()
            )
            raise CheckFailed(
                f"after {deadline_s:g} s these records are not in their tables yet: {places}",
                "`bergline logs stream_writer` shows what holds it up",
            )
        await asyncio.sleep(POLL_SECONDS)


def _behind(
    tables: Iterable[TableHandle],
    ends: Mapping[tuple[str, int], LogBounds],
    reached: dict[tuple[str, int], int],
) -> dict[tuple[str, int], int]:
    """What is missing; a table that had reached the ends when it was looked at is not loaded."""
    behind = {}
    for table in tables:
        topics = TABLES[table.name].topics
        logs = {key: log for key, log in ends.items() if key[0] in topics}
        if all(log.end <= reached.get(key, 0) for key, log in logs.items()):
            continue
        positions = recorded(table.reload()).positions
        for (topic, partition), log in logs.items():
            position = positions.next_offset(topic, partition) if positions else None
            reached[topic, partition] = log.start if position is None else position
            missing = log.end - reached[topic, partition]
            if missing > 0:
                behind[topic, partition] = missing
    return behind
