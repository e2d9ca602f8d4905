"""What a partition knows of idempotent producers (KIP-98): pure, no I/O.

Per producer id the last five batches are known. A repeat of one of them is answered with its old
offset; a gap or an older repeat is refused (45), as is an old epoch (47). Entries are immutable,
so an append that does not become durable is undone by putting the old entry back.
"""

from collections.abc import Iterable
from typing import NamedTuple

from .errors import ErrorCode, KafkaError
from .record_batch import BatchHeader

KNOWN_BATCHES = 5
NO_PRODUCER = -1


class ProducedBatch(NamedTuple):
    """One batch that the log holds."""

    first_sequence: int
    last_sequence: int
    base_offset: int
    last_offset: int
    appended_ms: int


class ProducerEntry(NamedTuple):
    """A producer's epoch and its last batches, oldest first."""

    epoch: int
    batches: tuple[ProducedBatch, ...]


class ProducerStates:
    """The producers of one partition; at most ``limit`` of them, the longest silent go first."""

    def __init__(self, limit: int = 100_000) -> None:
        self._entries: dict[int, ProducerEntry] = {}
        self._limit = limit

    def __len__(self) -> int:
        return len(self._entries)

    def admit(self, header: BatchHeader) -> ProducedBatch | None:
        """None when the batch is the next one; the known batch when it is a repeat.

        Raises KafkaError 45 (gap, or a repeat that is no longer known) or 47 (old epoch). A
        producer that is not known may start at any sequence, as its history may have expired.
        """
        entry = self._entries.get(header.producer_id)
        if entry is None:
            return None
        if header.producer_epoch < entry.epoch:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, within_log=True)
        if header.producer_epoch > entry.epoch:
            expected = 0
        else:
            for batch in entry.batches:
                if (batch.first_sequence, batch.last_sequence) == (
                    header.base_sequence,
                    header.last_sequence,
                ):
                    return batch
            expected = (entry.batches[-1].last_sequence + 1) & 0x7FFFFFFF
        if header.base_sequence != expected:
            raise KafkaError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"sequence {header.base_sequence} of producer {header.producer_id}, "
                f"expected {expected}",
                within_log=True,
            )
        return None

    def record(self, header: BatchHeader, base_offset: int, now_ms: int) -> ProducerEntry | None:
        """Note an admitted batch at ``base_offset``; the entry that it replaces."""
        previous = self._entries.pop(header.producer_id, None)
        known: tuple[ProducedBatch, ...] = ()
        if previous is not None and previous.epoch == header.producer_epoch:
            known = previous.batches[1 - KNOWN_BATCHES :]
        batch = ProducedBatch(
            header.base_sequence,
            header.last_sequence,
            base_offset,
            base_offset + header.last_offset_delta,
            now_ms,
        )
        self._entries[header.producer_id] = ProducerEntry(header.producer_epoch, (*known, batch))
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]
        return previous

    def restore(self, producer_id: int, previous: ProducerEntry | None) -> None:
        """Undo ``record``."""
        if previous is None:
            self._entries.pop(producer_id, None)
        else:
            self._entries[producer_id] = previous

    def expire(self, silent_since_ms: int) -> None:
        """Forget producers whose last batch is older than ``silent_since_ms``."""
        for producer_id, entry in list(self._entries.items()):
            if entry.batches[-1].appended_ms < silent_since_ms:
                del self._entries[producer_id]

    def copy(self) -> "ProducerStates":
        """An independent copy; the entries are shared, as they never change."""
        other = ProducerStates(self._limit)
        other._entries = dict(self._entries)
        return other

    def dump(self) -> list[list[object]]:
        """The states as plain lists, for a snapshot file."""
        return [[pid, entry.epoch, entry.batches] for pid, entry in self._entries.items()]

    @classmethod
    def load(cls, dumped: Iterable[tuple[int, int, list[list[int]]]]) -> "ProducerStates":
        """The states that ``dump`` wrote."""
        states = cls()
        for pid, epoch, batches in dumped:
            states._entries[pid] = ProducerEntry(epoch, tuple(map(ProducedBatch._make, batches)))
        return states
