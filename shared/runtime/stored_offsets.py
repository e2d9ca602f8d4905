"""The group's offsets of what is dealt with: for figures and for what operators ask.

Stored through the consumer of a Faust app, whenever :class:`shared.runtime.progress.Progress` has
moved on; the rest is decided from the tables.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from faust.types.tuples import TP

from shared.runtime.outage import Outage
from shared.runtime.progress import Progress
from shared.runtime.settings import Settings

log = structlog.stdlib.get_logger("bergline.runtime")

STORE_S = 2.0
"""How often offsets are stored."""
ANSWER_S = 1.0
"""Longest wait until they are."""


async def store_offsets(app: Any, settings: Settings, progress: Progress) -> None:
    """Store what is dealt with in the group, again and again; failures are told and passed over."""
    outage = Outage(log, "offsets not stored, trying again")
    while True:
        await asyncio.sleep(STORE_S)
        error = await store_once(app, settings, progress)
        if error is None:
            outage.over()
        else:
            outage.failed(error)


async def store_once(app: Any, settings: Settings, progress: Progress) -> Exception | None:
    """Store what is dealt with now; what went wrong, if something did."""
    offsets = progress.offsets()
    if not offsets:
        return None
    wanted = {
        TP(settings.environment.topic(topic), partition): offset
        for (topic, partition), offset in offsets.items()
    }
    try:
        async with asyncio.timeout(ANSWER_S):
            await app.consumer._thread.commit(wanted)
    except Exception as error:  # noqa: BLE001 - the next round repeats it
        return error
    progress.stored(offsets)
    return None
