"""Puts aside the record that holds up a stream because the broker will never take it.

One after the other, the records at the stream's begin are sent by themselves, until the broker says
of one that it takes it under no circumstances: that one becomes a dead letter, and the stream goes
on behind it. Only the broker knows which one that is: of a batch it refuses all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aiokafka.errors import (
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)

from services.ingest.config import IngestSettings
from services.ingest.publisher import Publisher
from services.ingest.spool.backlog import Backlog
from services.ingest.spool.frames import Entry
from services.ingest.spool.held import Held
from services.ingest.spool.nobodys import Nobodys, opened, owned
from services.ingest.spool.replayer import CHUNK_BYTES
from services.ingest.spool.stream import Read
from shared.contracts.dead_letters import REPLAYED_FROM, DeadLetter
from shared.contracts.envelope import read as read_headers
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime.errors import NotFound, Refused, Unavailable

FOR_EVER = (
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)
REASON = "refused_by_broker"
RETRY_S = 0.25


@dataclass(frozen=True, slots=True)
class Skipped:
    """What became of it.

    Attributes:
        letter_id: of the dead letter; ``None`` when no record was refused.
        detail: what the broker says of that record; empty when it takes all.
        sent: records before it that the broker took.
        left: records of the topic that are still spooled.
    """

    letter_id: str | None
    detail: str
    sent: int
    left: int


async def skip(settings: IngestSettings, topic: str, timeout_s: float) -> Skipped:
    """Put aside the first record of a topic that the broker refuses for ever.

    Raises:
        NotFound: nothing of that topic is spooled.
        Refused: all spools are a running instance's.
        Unavailable: the broker does not answer in time; what was sent is sent, nothing is lost.
        ConfigurationError: the directory cannot be used.
    """
    theirs, is_any_left = owned(settings)
    if theirs and not is_any_left:
        raise Refused(
            f"running instances have all spools: {', '.join(theirs)}",
            "stop the one whose stream is held up, then run it again",
        )
    async with opened(settings, [topic, DEAD_LETTERS]) as found:
        streams = [
            (held, backlog)
            for held, backlog in found.spool.backlogs()
            if backlog.key.topic == topic and backlog.outstanding
        ]
        if not streams:
            raise NotFound(
                f"nothing of {topic} is spooled that is nobody's", "see `bergline spool status`"
            )
        skipping = _Skipping(found)
        letter = None
        try:
            async with asyncio.timeout(timeout_s):
                for held, backlog in streams:
                    letter = letter or await skipping.look_through(held, backlog)
        except TimeoutError:
            raise Unavailable(
                f"the broker did not answer within {timeout_s:g} s: {found.publisher.trouble}",
                "run it again once it does",
            ) from None
        left = sum(backlog.outstanding for _, backlog in streams)
        if letter is None:
            return Skipped(None, "", skipping.sent, left)
        return Skipped(letter.event_id(), letter.detail, skipping.sent, left)


class _Skipping:
    def __init__(self, found: Nobodys) -> None:
        self._spool = found.spool
        self._publisher: Publisher = found.publisher
        self.sent = 0

    async def look_through(self, held: Held, backlog: Backlog) -> DeadLetter | None:
        """Send the begin of a stream up to the first record that is refused; its dead letter."""
        stream = held.store.streams[backlog.key]
        chunk = await self._spool.thread.run(partial(stream.read, CHUNK_BYTES))
        for read in backlog.hand_over(chunk):
            error = await self._send(backlog.key.topic, read)
            letter = None
            if error is None:
                self.sent += 1
            else:
                letter = await self._put_aside(backlog.key.topic, read, error)
            backlog.delivered(read.sequence)
            last = backlog.pass_over([read])
            if last is not None and (failed := await self._spool.advance(held, backlog, last.end)):
                raise Unavailable(f"the spool's cursor cannot be written: {failed.strerror}")
            if letter is not None:
                return letter
        return None

    async def _put_aside(self, topic: str, read: Read, error: Exception) -> DeadLetter:
        letter = letter_of(topic, read.entry, error)
        key, value, headers = letter.encode()
        entry = Entry(key, value, headers, read.entry.accepted_ms)
        refused = await self._send(DEAD_LETTERS, read._replace(entry=entry))
        if refused is not None:
            raise Unavailable(
                f"the broker refuses the dead letter, too ({type(refused).__name__})",
                f"raise max.message.bytes of {DEAD_LETTERS}; nothing was put aside",
            )
        return letter

    async def _send(self, topic: str, read: Read) -> Exception | None:
        """Send one record until the broker has it, or refuses it for ever: then why."""
        while True:
            await self._publisher.open(topic)
            error = await self._publisher.send(topic, [read], lambda _read: None)
            if error is None or isinstance(error, FOR_EVER):
                return error
            await asyncio.sleep(RETRY_S)


def letter_of(topic: str, entry: Entry, error: Exception) -> DeadLetter:
    """The dead letter of a spooled record."""
    headers = read_headers(entry.headers)
    return DeadLetter(
        stage="sending",
        service="ingest",
        reason=REASON,
        detail=f"the broker will not take the record ({type(error).__name__})",
        topic=topic,
        delivery_id=headers.get("delivery_id"),
        failed_at=datetime.now(UTC),
        headers=headers,
        record_key=entry.key,
        value=entry.value,
        vendor_event_id=headers.get("ce_id"),
        received_at=datetime.fromtimestamp(entry.accepted_ms / 1000, UTC),
        origin=headers.get(REPLAYED_FROM),
    )
