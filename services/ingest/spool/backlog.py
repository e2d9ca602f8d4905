"""What memory knows of one stream: how much the broker does not have yet, and since when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read, Stream
from shared.contracts.envelope import MAY_REPEAT, Headers


class Backlog:
    """Counts the entries of a stream from the moment they are given to the spool.

    Args:
        key: the stream's.
        stream: what was recovered; ``None`` when there was nothing.

    Attributes:
        outstanding: entries, those about to be written included, that the broker does not have.
        unwritten: of these, the ones that are not on disk yet.
        oldest_s: the oldest of them was not accepted earlier; unix seconds.
        stuck: why the last attempt to send failed; ``None`` when it did not.

    What may have been sent before is sent with the header :data:`MAY_REPEAT`: everything that was
    found on disk, as nobody knows how far its owner came, and what was handed over once already.
    """

    def __init__(self, key: StreamKey, stream: Stream | None = None) -> None:
        self.key = key
        self.outstanding = stream.entries if stream else 0
        self.unwritten = 0
        self.oldest_s = (stream.oldest_ms or 0) / 1000 if stream else 0.0
        self.stuck: str | None = None
        self.next_sequence = stream.next_sequence if stream else 0
        self._doubtful_below = self.next_sequence
        self._delivered: set[int] = set()
        self._passed = -1

    def take(self, now: float) -> int:
        """Account a new entry; its sequence."""
        if not self.outstanding:
            self.oldest_s = now
        self.outstanding += 1
        self.unwritten += 1
        sequence = self.next_sequence
        self.next_sequence += 1
        return sequence

    def drop(self, count: int) -> None:
        """Entries could not be written: they are not there."""
        self.outstanding -= count

    def delivered(self, sequence: int) -> None:
        """The broker has an entry, whoever sent it."""
        if sequence > self._passed:
            self._delivered.add(sequence)

    def hand_over(self, chunk: Sequence[Read]) -> list[Read]:
        """Those of a chunk that the broker does not have, as they are to be sent now."""
        todo = [
            _again(read) if read.sequence < self._doubtful_below else read
            for read in chunk
            if read.sequence not in self._delivered
        ]
        if todo:
            self._doubtful_below = max(self._doubtful_below, todo[-1].sequence + 1)
        return todo

    def pass_over(self, chunk: Sequence[Read]) -> Read | None:
        """Count the delivered entries at a chunk's begin as done; the last of them."""
        last = None
        for read in chunk:
            if read.sequence not in self._delivered:
                break
            self._delivered.discard(read.sequence)
            self.outstanding -= 1
            last = read
        if last is not None:
            self._passed = last.sequence
            self.oldest_s = max(self.oldest_s, last.entry.accepted_ms / 1000)
        return last


def _again(read: Read) -> Read:
    headers = read.entry.headers
    return read._replace(entry=read.entry._replace(headers=with_doubt(headers)))


def with_doubt(headers: Headers) -> Headers:
    """Headers that say that the record may have been sent before."""
    if any(name == MAY_REPEAT for name, _ in headers):
        return headers
    return [*headers, (MAY_REPEAT, b"1")]


class Copy(NamedTuple):
    """An entry that the producer may deliver too: it was under way when it was spooled."""

    backlog: Backlog
    sequence: int

    def delivered(self) -> None:
        """The broker has it after all: it need not be sent again."""
        self.backlog.delivered(self.sequence)
