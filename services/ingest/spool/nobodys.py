"""The spools that no running instance has, opened for a command, with a way to the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from services.ingest.config import IngestSettings
from services.ingest.publisher import Publisher
from services.ingest.spool.claim import is_owned, numbered
from services.ingest.spool.keeping import spool_root
from services.ingest.spool.spool import Spool

CLOSE_SECONDS = 5.0


class Nobodys(NamedTuple):
    """What was opened.

    Attributes:
        spool: has all of it.
        publisher: keeps nothing itself: what it cannot send stays where it is.
    """

    spool: Spool
    publisher: Publisher


def owned(settings: IngestSettings) -> tuple[tuple[str, ...], bool]:
    """Directories that running instances have, and whether there are others.

    Raises:
        OSError: they cannot be looked at.
    """
    found = numbered(spool_root(settings))
    theirs = tuple(str(path) for path in found if is_owned(path))
    return theirs, len(theirs) < len(found)


@asynccontextmanager
async def opened(settings: IngestSettings, topics: Sequence[str]) -> AsyncIterator[Nobodys]:
    """Own all that nobody owns, and connect to the broker.

    Args:
        settings: of ingest.
        topics: logical topics that are sent to.

    Raises:
        ConfigurationError: the directory cannot be used.
    """
    publisher = Publisher(settings.model_copy(update={"ingest_spool": False}), topics)
    spool = Spool(
        spool_root(settings),
        max_bytes=settings.ingest_spool_max_bytes,
        share=settings.ingest_spool_source_share,
        orphaned_after_s=0.0,
    )
    try:
        await spool.adopt()
        await publisher.start()
        yield Nobodys(spool, publisher)
    finally:
        await publisher.close()
        await spool.close(CLOSE_SECONDS)
