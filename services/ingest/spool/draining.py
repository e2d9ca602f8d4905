"""Empties the spools of instances that are gone, without any of them: for volumes that are left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.ingest.config import IngestSettings
from services.ingest.spool.episode import Episodes
from services.ingest.spool.nobodys import opened, owned
from services.ingest.spool.replayer import Replayer
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime import logging
from shared.sources.registry import SOURCES

LOOK_EVERY_S = 0.1

log = logging.logger("ingest")


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of it.

    Attributes:
        sent: records that the broker has now.
        left: records that it has not.
        owned: directories that running instances have, which send them themselves.
        why: why some are left; empty when none is.
    """

    sent: int
    left: int
    owned: tuple[str, ...]
    why: str


async def drain(settings: IngestSettings, timeout_s: float) -> Drained:
    """Send everything that no running instance owns, in order, for at most so long.

    Raises:
        ConfigurationError: the directory cannot be used.
    """
    theirs, is_any_left = owned(settings)
    if not is_any_left:
        return Drained(0, 0, theirs, "")
    topics = {entity.topic for source in SOURCES.values() for entity in source.entities}
    async with opened(settings, sorted({*topics, DEAD_LETTERS})) as (spool, publisher):
        replayer = Replayer(spool, publisher, Episodes("drain", lambda _event: None))
        replayer.start()
        try:
            async with asyncio.timeout(timeout_s):
                while spool.outstanding:  # noqa: ASYNC110 - several tasks move it
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            log.warning("not everything could be sent in time", timeout_s=timeout_s)
        left = spool.outstanding
        stuck = {backlog.stuck for _, backlog in spool.backlogs() if backlog.stuck}
        why = publisher.trouble or "; ".join(sorted(stuck)) or "time ran out"
        await replayer.stop()
    return Drained(sum(replayer.replayed.values()), left, theirs, why if left else "")
