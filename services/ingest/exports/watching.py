"""Announce what appears under a prefix, once it does not change any more.

Nothing is kept on disk: what was announced is learnt from the topic, by every instance, also what
others announce. After a month it is forgotten there, and a file that still lies under the prefix
is announced once more by an instance that starts then, which is harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, OrderedDict
from typing import Any

import aiohttp
from pydantic import ValidationError

from services.ingest.config import IngestSettings
from services.ingest.exports.announcing import Announcer
from services.ingest.exports.listing import MOST_FILES, TooManyFiles, listed
from services.ingest.exports.looking import look
from services.ingest.problem import Refused
from shared.contracts.exports import ExportReady
from shared.runtime import logging
from shared.runtime.export_places import NotAllowed, Places, Prefix
from shared.runtime.outage import Outage
from shared.runtime.topic_reader import TopicReader

PATIENCE = 20
"""Looks after which a file that is still no whole Parquet file is announced all the same: then it
is told as what it is, instead of lying there for ever."""

log = logging.logger("ingest")


class Announced:
    """Fingerprints of files that were announced, by URI; the oldest are forgotten."""

    def __init__(self, most: int = 2 * MOST_FILES) -> None:
        self._most = most
        self._known: OrderedDict[str, str] = OrderedDict()

    def note(self, uri: str, fingerprint: str) -> None:
        """A file was announced."""
        self._known[uri] = fingerprint
        self._known.move_to_end(uri)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def knows(self, uri: str, fingerprint: str) -> bool:
        """Whether this version of the file was announced."""
        return self._known.get(uri) == fingerprint

    def on_record(self, record: Any) -> None:
        """A record of the topic."""
        try:
            ready = ExportReady.decode(record.value or b"")
        except ValidationError:
            return
        self.note(ready.uri, ready.fingerprint)


class Settling:
    """Which files have not changed since the look before. Pure."""

    def __init__(self) -> None:
        self._before: dict[str, str] = {}

    def settled(self, found: dict[str, str]) -> dict[str, str]:
        """Of the files found those that were found alike the last time."""
        before, self._before = self._before, found
        return {uri: told for uri, told in found.items() if before.get(uri) == told}


class Watcher:
    """Watches one prefix for one source, in the background."""

    def __init__(self, prefix: Prefix, announcer: Announcer, settings: IngestSettings) -> None:
        self._prefix = prefix
        self._places = Places((prefix,))
        self._announcer = announcer
        self._settings = settings
        self._announced = Announced()
        self._settling = Settling()
        self._halves: Counter[str] = Counter()
        self._reader = TopicReader(settings, announcer.topic, self._announced.on_record)
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage(log, "watched prefix not looked at", prefix=str(prefix))

    def start(self) -> None:
        """Begin."""
        self._reader.start()
        self._task = asyncio.create_task(self._run(), name=f"watch {self._prefix}")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._reader.stop()

    async def _run(self) -> None:
        await self._reader.caught_up.wait()
        log.info("watching for exports", prefix=str(self._prefix), topic=self._announcer.topic)
        while True:
            try:
                await self.look_once()
            except (OSError, aiohttp.ClientError, TimeoutError, TooManyFiles, Refused) as error:
                self._outage.failed(error)
            except Exception:
                log.exception("watching failed", prefix=str(self._prefix))
            else:
                self._outage.over()
            await asyncio.sleep(self._settings.ingest_export_watch_interval_s)

    async def look_once(self) -> int:
        """Look, and announce what has settled; how many files were announced.

        Raises:
            OSError, aiohttp.ClientError, TimeoutError, TooManyFiles: it cannot be listed.
            Refused: a file could not be announced; it is tried again at the next look.
        """
        found = await listed(self._prefix, self._settings)
        count = 0
        for uri, told in self._settling.settled(found).items():
            if not self._announced.knows(uri, told) and await self._announce(uri):
                count += 1
        self._halves = Counter({uri: n for uri, n in self._halves.items() if uri in found})
        return count

    async def _announce(self, uri: str) -> bool:
        try:
            place = self._places.place(uri)
            seen = await look(place, self._settings)
        except (NotAllowed, Refused) as error:
            # Gone meanwhile, or not for us to read: it may be otherwise at the next look.
            log.debug("file passed over", uri=uri, why=str(error))
            return False
        if not seen.whole:
            self._halves[uri] += 1
            if self._halves[uri] < PATIENCE:
                return False
        await self._announcer.announce(place, seen, "watch")
        self._announced.note(uri, seen.fingerprint)
        return True
