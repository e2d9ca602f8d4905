"""What memory knows of one stream: how much the broker does not have yet, and since when. Pure."""

from __future__ import annotations

from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read, Stream


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
    """

    def __init__(self, key: StreamKey, stream: Stream | None = None) -> None:
        self.key = key
        self.outstanding = stream.entries if stream else 0
        self.unwritten = 0
        self.oldest_s = (stream.oldest_ms or 0) / 1000 if stream else 0.0
        self.stuck: str | None = None
        self.next_sequence = stream.next_sequence if stream else 0
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

    def todo(self, chunk: list[Read]) -> list[Read]:
        """Those of a chunk that the broker does not have."""
        return [read for read in chunk if read.sequence not in self._delivered]

    def pass_over(self, chunk: list[Read]) -> Read | None:
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
