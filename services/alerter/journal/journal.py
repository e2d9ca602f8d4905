"""What an alerter knows of alerts, on its own disk: it goes on from there without any broker.

A change is on disk before anybody is told of it, and a notification is recorded after the receiver
took it. So a crash at any moment loses no change, and repeats a notification only when it fell
between the two. What is to be published is on disk, too, until the broker has it.

A disk that refuses, or hangs, does not silence the alerter: it goes on with what is in memory,
tells :attr:`Journal.failing`, and writes all of it once the disk is well again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from services.alerter.journal.file import JournalFile
from services.alerter.journal.lines import Entry, Forgotten, Kept, Owned, Published
from services.alerter.journal.restoring import restored
from services.alerter.journal.writing import COMPACT_BYTES, JournalWriting
from services.alerter.states.merging import is_meant
from shared.alerting.board import Board
from shared.contracts.event import Event
from shared.runtime.blocking import BlockingThread

log = structlog.stdlib.get_logger("bergline.alerter")


class Journal:
    """The journal of one alerter, read into memory; belongs to one event loop.

    Reading it blocks, so it is to be made before there is anything else to do.

    Args:
        directory: of this alerter alone; made where there is none.
        compact_bytes: a journal that is smaller is not made anew while it is in use.

    Raises:
        Refused: another process has the directory, or a newer version wrote the journal.
        ConfigurationError: the directory cannot be used.
    """

    def __init__(self, directory: Path, *, compact_bytes: int = COMPACT_BYTES) -> None:
        self._file = file = JournalFile(directory)
        self.last_alive_at = file.last_alive_at
        """When the alerter of before was alive for the last time, in seconds since the epoch."""
        try:
            self.state, self.problems = restored(file)
            """``problems``: what was not as it was written, for humans."""
        except BaseException:
            file.close()
            raise
        for problem in self.problems:
            log.warning("the journal was not as it was written", what=problem)
        self.unpublished_changed = asyncio.Event()
        """Set when there may be something to be published."""
        self.unpublished_changed.set()
        self._writing = JournalWriting(
            file, BlockingThread("journal"), self.state.entries, self._take, compact_bytes
        )

    @property
    def board(self) -> Board:
        """Where everything stands, as far as it is on disk. Read it, never write it."""
        return self.state.board

    @property
    def owned(self) -> tuple[str, ...] | None:
        """The rules that this alerter owned last; ``None`` when it never owned any."""
        return self.state.owned

    @property
    def failing(self) -> bool:
        """Whether the disk does not take what is to be kept."""
        return self._writing.failing or self._writing.stalled

    async def append(self, events: Sequence[Event], *, publish: bool = True) -> bool:
        """Keep what happened here; once this returns, others may be told of it.

        Args:
            events: changes of alerts, notifications taken, silences, acknowledgements.
            publish: whether it is to be published; not for what only this alerter needs.

        Returns:
            Whether it is on disk. If not, it is known all the same until this process ends.
        """
        return await self._writing.keep(
            [Kept(event, self.state.number() if publish else 0) for event in events]
        )

    async def forget(self, keys: Iterable[str]) -> bool:
        """Know nothing of these keys any more, and publish that; as :meth:`append`."""
        return await self._writing.keep([Forgotten(key, self.state.number()) for key in keys])

    async def own(self, rules: Iterable[str]) -> None:
        """These are this alerter's rules now."""
        owned = tuple(sorted(rules))
        if owned != self.state.owned:
            await self._writing.keep([Owned(owned)])

    def follow(self, event: Event) -> bool:
        """Take what a topic says; whether it is news. On disk some time later."""
        return self._follow(Kept(event, own=False))

    def follow_forgotten(self, key: str, at: datetime) -> bool:
        """A topic says that a key was forgotten ``at`` this time; whether it was known.

        Topics are read from their beginning, and tell of the time before an alert was active again.
        """
        if not is_meant(self.board, key, at):
            return False
        return self._follow(Forgotten(key))

    def published(self, numbers: Iterable[int]) -> None:
        """The broker has these entries of ``state.unpublished``. On disk some time later."""
        entry = Published(tuple(numbers))
        self.state.take(entry)
        self._writing.note(entry)

    def touch(self) -> None:
        """Say that this alerter is alive and looks; blocks for a moment at most."""
        self._file.touch()

    async def idle(self) -> None:
        """Return when everything that is known was written, if the disk takes it."""
        await self._writing.idle()

    async def close(self) -> None:
        """Write what is left and leave the directory to others."""
        await self._writing.close()

    def _follow(self, entry: Kept | Forgotten) -> bool:
        news = self.state.take(entry)
        if news:
            self._writing.note(entry)
        return news

    def _take(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.state.take(entry)
        self.unpublished_changed.set()
