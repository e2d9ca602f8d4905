"""A process with a spool and a broker that is a file; to be killed. Says what was accepted.

``python -m tests.components.spooling_child <directory> <first number>``. On its standard output a
line for each number once it is durable. The broker is ``broker.log`` in the directory: numbers in
the order in which they arrive, each with the key that it has. Of every fifth chunk the broker has
some, and says nothing: as after a timeout.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from services.ingest.spool.answers import SpoolFull
from services.ingest.spool.episode import Episodes
from services.ingest.spool.replayer import Replayer
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read
from shared.runtime import logging
from shared.runtime.errors import Unavailable

KEYS = 3
BROKER = "broker.log"
SPOOL = "spool"
MAX_BYTES = 256 * 1024
AT_ONCE = 64


class FileBroker:
    """Takes a few records at a time; every fifth time the acknowledgement is lost."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._chunks = 0

    async def open(self, topic: str) -> None:
        await asyncio.sleep(0)

    async def send(
        self, topic: str, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        self._chunks += 1
        silent = self._chunks % 5 == 0
        for read in reads[: 20 if silent else None]:
            os.write(self._file, b"%s %s\n" % (read.entry.key, read.entry.value))
            if not silent:
                acknowledged(read)
            await asyncio.sleep(0)
        return TimeoutError("no acknowledgement") if silent else None


async def run(directory: Path, first: int) -> None:
    spool = Spool(directory / SPOOL, max_bytes=MAX_BYTES, share=1.0)
    replayer = Replayer(
        spool, FileBroker(directory / BROKER), Episodes("child", lambda _event: None)
    )
    spool.start()
    replayer.start()
    room = asyncio.Semaphore(AT_ONCE)

    def done(number: int, error: Unavailable | None) -> None:
        room.release()
        if error is None:
            os.write(1, b"%d\n" % number)

    for number in count(first):
        await room.acquire()
        key = b"key-%d" % (number % KEYS)
        try:
            spool.put(
                StreamKey("shopify", "shopify.orders"),
                key,
                b"%d" % number,
                [("delivery_id", b"%d" % number)],
                partial(done, number),
            )
        except SpoolFull:
            room.release()
            await asyncio.sleep(0.001)


if __name__ == "__main__":
    logging.configure("child")
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
