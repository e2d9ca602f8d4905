"""The spool in the service: what is kept, sent again and told; made from the settings."""

from __future__ import annotations

import socket
import time
from functools import partial
from pathlib import Path
from typing import Self

from services.ingest.config import IngestSettings
from services.ingest.record import Record
from services.ingest.spool.answers import SpoolFull
from services.ingest.spool.backlog import with_doubt
from services.ingest.spool.episode import Episodes
from services.ingest.spool.replayer import Outlet, Replayer
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import StreamKey
from shared.contracts.spool import SpoolChanged
from shared.contracts.topics import SPOOL
from shared.runtime import logging
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import Unavailable
from shared.runtime.event_queue import EventQueue, Send
from shared.runtime.settings import data_dir

log = logging.logger("ingest")

UNNAMED = "_"
"""Directory of the environment without a name: no name begins so."""


class Keeping:
    """Keeps records while the broker does not take them.

    Args:
        spool: where it keeps them.
        outlet: the way to the broker.
        publish: publishes an event.
    """

    def __init__(self, spool: Spool, outlet: Outlet, publish: Send) -> None:
        self.spool = spool
        directory = self.spool.own.store.directory
        self.events = EventQueue(publish)
        self.episodes = Episodes(f"{socket.gethostname()}/{directory.name}", self._tell)
        self.replayer = Replayer(self.spool, outlet, self.episodes)
        self._why = ""

    @classmethod
    async def opened(cls, settings: IngestSettings, outlet: Outlet, publish: Send) -> Self:
        """With the spool of these settings, which is read without holding up the event loop.

        Raises:
            ConfigurationError: its directory cannot be used.
        """
        read = partial(
            Spool,
            spool_root(settings),
            max_bytes=settings.ingest_spool_max_bytes,
            share=settings.ingest_spool_source_share,
            number=settings.ingest_spool_number,
        )
        return cls(await BlockingThread("spool at start").run(read), outlet, publish)

    @property
    def refusal(self) -> str | None:
        """Why the spool takes nothing now; ``None`` when it does."""
        return self.spool.answers.refusal

    def start(self) -> None:
        """Begin to write and to replay."""
        self.events.start()
        self.spool.start()
        self.replayer.start()

    def keep(self, record: Record, why: str | None) -> None:
        """Put a record behind those of its source and topic; it is settled when it is durable.

        Args:
            record: neither settled nor kept yet.
            why: why the broker does not take it; ``None``: it only keeps its place.

        Raises:
            SpoolFull: there is no room.
            Unavailable: its headers cannot be made.
        """
        if record.headers is None:
            return
        headers = record.made_headers()
        self._why = why or self._why
        try:
            record.copy = self.spool.put(
                StreamKey(record.source, record.topic),
                record.key,
                record.value,
                with_doubt(headers) if record.is_under_way else headers,
                partial(_kept, record),
            )
        except SpoolFull as full:
            self.episodes.refused()
            raise SpoolFull(f"{self._why}, and {full}") from None
        self.episodes.spooled(time.time(), self._why)

    def state(self, trouble: str | None) -> dict[str, object] | None:
        """What ``/readyz`` and ``/info`` say of it; ``None`` when there is nothing to say.

        Args:
            trouble: why the broker does not take records now; ``None`` when it does.
        """
        since = self.episodes.since
        if since is None and trouble is None:
            return None
        now = time.time()
        oldest = self.spool.oldest_s
        stuck = {
            backlog.key.topic: backlog.stuck
            for _, backlog in self.spool.backlogs()
            if backlog.stuck is not None and backlog.outstanding
        }
        return {
            "reason": trouble or self.episodes.reason,
            "since_s": round(now - since, 1) if since is not None else 0.0,
            "records": self.spool.outstanding,
            "bytes": self.spool.quota.total,
            "oldest_s": round(now - oldest, 1) if oldest is not None else 0.0,
            "max_bytes": self.spool.quota.max_bytes,
            **({"stuck": stuck} if stuck else {}),
            **({"refusing": self.refusal} if self.refusal else {}),
        }

    async def stop(self) -> None:
        """No more replaying; what comes is still kept."""
        await self.replayer.stop()
        await self.events.stop()

    async def close(self, limit_s: float) -> None:
        """Write what was put and leave the directories."""
        await self.spool.close(limit_s)

    def _tell(self, event: SpoolChanged) -> None:
        if event.change == "began":
            log.warning("spooling", reason=event.reason)
        else:
            log.info(
                "spooling ended",
                spooled=event.records,
                replayed=event.replayed,
                refused=event.refused,
                lasted_s=round(event.seconds, 1),
            )
        self.events.tell(SPOOL, event)


def _kept(record: Record, error: Unavailable | None) -> None:
    record.release()
    record.settle(error)


def spool_root(settings: IngestSettings) -> Path:
    """Directory of all instances of an environment: topics of two of them must not be mixed."""
    root = settings.ingest_spool_dir or data_dir() / "spool"
    return (root / (settings.env or UNNAMED)).absolute()
