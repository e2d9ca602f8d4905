"""Our own events of some topics, from a time on: what was told, and what is told next."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from shared.contracts import envelope
from shared.contracts.event import Event
from shared.contracts.registry import WIRE_TYPES
from shared.runtime import log_ranges
from shared.runtime.errors import NotFound
from shared.runtime.log_bounds import PartitionKey, log_bounds
from shared.runtime.settings import Settings

Unreadable = Callable[[str], None]
"""Told where a record is that holds no event that this version knows."""


async def read_events(
    settings: Settings,
    topics: Iterable[str],
    since: datetime,
    *,
    unreadable: Unreadable = lambda _: None,
) -> list[Event]:
    """All events of these topics that were written at ``since`` or later.

    In order within a key; events of different keys are mixed.

    Raises:
        NotFound: a topic does not exist.
        Unavailable: the broker does not answer.
    """
    topics = tuple(topics)
    bounds = await log_bounds(settings, topics)
    if missing := sorted(set(topics) - {topic for topic, _ in bounds}):
        raise NotFound(f"the broker has no topic {', '.join(missing)}", "run `bergline bootstrap`")
    begins = await log_ranges.offsets_at(settings, bounds, since)
    ranges: dict[PartitionKey, tuple[int, int]] = {}
    for key, log in bounds.items():
        begin = begins[key]
        ranges[key] = (log.end if begin is None else begin, log.end)
    found = []
    async with contextlib.aclosing(log_ranges.read_range(settings, ranges)) as records:
        async for record in records:
            event = decoded(record)
            if event is None:
                unreadable(f"{record.topic}/{record.partition}/{record.offset}")
            else:
                found.append(event)
    return found


async def ends(settings: Settings, topic: str) -> dict[PartitionKey, int]:
    """Where the next event of each partition will stand, for :func:`follow_events`.

    Raises:
        NotFound: the topic does not exist.
        Unavailable: the broker does not answer.
    """
    bounds = await log_bounds(settings, [topic])
    if not bounds:
        raise NotFound(f"the broker has no topic {topic}", "run `bergline bootstrap`")
    return {key: log.end for key, log in bounds.items()}


async def follow_events(
    settings: Settings, starts: Mapping[PartitionKey, int]
) -> AsyncGenerator[Event]:
    """Events from these offsets on, without end; records that hold none are passed over.

    Raises:
        Unavailable: the broker does not answer.
    """
    async with contextlib.aclosing(log_ranges.follow(settings, starts)) as records:
        async for record in records:
            event = decoded(record)
            if event is not None:
                yield event


def decoded(record: Any) -> Event | None:
    """The event that a record holds; ``None`` when it is of no type that this version knows."""
    model = WIRE_TYPES.get(envelope.read(record.headers or ()).get("ce_type") or "")
    if model is None or record.value is None:
        return None
    try:
        return model.decode(record.value)
    except ValidationError:
        return None
