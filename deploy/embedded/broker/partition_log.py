"""The log of one partition: segments, what is durable, and what is about to become so.

Offsets are given out at once; a record counts (for consumers and for the producer's answer) when
the group commit that carries it has been synced. If that fails, everything not durable is taken
back, producer states included, and answered with KAFKA_STORAGE_ERROR.
"""

import asyncio
import bisect
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from . import producer_snapshot
from .errors import ErrorCode, KafkaError
from .files import append_durably, make_directory, write_atomically
from .flusher import Flusher, Job
from .group_commit import GroupCommit, Outcome
from .producers import NO_PRODUCER, ProducerEntry, ProducerStates
from .record_batch import BatchHeader, placed
from .segment import Segment
from .segment_read import SegmentRead
from .topic_configs import LogConfig


class Appended(NamedTuple):
    """Where a batch lies, and the future that tells whether it became durable."""

    base_offset: int
    append_time: int
    outcome: Outcome


class Placed(NamedTuple):
    """A batch with its offset, and the producer state that it replaced."""

    header: BatchHeader
    base_offset: int
    max_timestamp: int
    data: bytearray
    replaced: ProducerEntry | None


class PartitionLog(GroupCommit[Placed]):
    """Appends on the event loop, writes in the flusher's threads, reads by plan."""

    def __init__(self, directory: Path, config: LogConfig, flusher: Flusher) -> None:
        super().__init__(flusher)
        self.directory = directory
        self.config = config
        self.segments = [Segment(directory, 0)]
        self.producers = ProducerStates()
        self.start_offset = 0
        self.end_offset = 0
        self.high_watermark = 0
        self.produced_bytes = 0
        self.fetched_bytes = 0
        self.deleted = False
        self.cleaned_until = 0  # compaction: offsets below hold one value per key
        self.files = asyncio.Lock()  # held while threads read, replace or remove whole segments
        self._snapshot_offset = -1
        self._watchers: set[asyncio.Future[None]] = set()

    @property
    def size(self) -> int:
        """Durable bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    # -- appending --

    def append(self, records: memoryview, header: BatchHeader, now_ms: int) -> Appended:
        """Take a validated batch; raises KafkaError 45 or 47 for a bad producer sequence."""
        append_time = now_ms if self.config.log_append_time else None
        idempotent = header.producer_id != NO_PRODUCER
        known = self.producers.admit(header) if idempotent else None
        if known is not None:
            stamp = -1 if append_time is None else known.appended_ms
            return Appended(known.base_offset, stamp, self._outcome_of(known.base_offset))
        base_offset = self.end_offset
        data = placed(records, header, base_offset, append_time)
        replaced = self.producers.record(header, base_offset, now_ms) if idempotent else None
        newest = header.max_timestamp if append_time is None else append_time
        self.end_offset = base_offset + header.last_offset_delta + 1
        outcome = self.collect([Placed(header, base_offset, newest, data, replaced)])
        return Appended(base_offset, -1 if append_time is None else append_time, outcome)

    def _outcome_of(self, offset: int) -> Outcome:
        """The future of a batch that was appended before: a repeat waits like the original."""
        for unpublished in (self.writing, self.collecting):
            if unpublished and any(offset == each.base_offset for each in unpublished.items):
                return unpublished.outcome
        outcome: Outcome = asyncio.get_running_loop().create_future()
        outcome.set_result(ErrorCode.NONE)
        return outcome

    def begin_flush(self) -> Job | None:
        """Take the collected batches, unless the topic is gone."""
        if self.deleted:
            self.fail()
        return super().begin_flush()

    def write_job(self, items: list[Placed]) -> Job:
        """Write to the last segment, or to a new one when that is full."""
        close_previous = self._roll_if_full(items)
        path, position = self.segments[-1].path, self.segments[-1].size
        buffers = [each.data for each in items]

        def write() -> None:
            if close_previous is not None:
                close_previous()
            append_durably(path, buffers, position)

        return write

    def publish(self, items: list[Placed]) -> None:
        """Raise the high watermark over what is durable."""
        segment = self.segments[-1]
        for each in items:
            segment.note(each.header, each.base_offset, len(each.data), each.max_timestamp)
            self.produced_bytes += len(each.data)
        self.high_watermark = segment.next_offset
        self.wake_watchers()

    def take_back(self, items: list[Placed]) -> None:
        """Give the offsets and sequence numbers back."""
        _undo(self.producers, items)
        self.end_offset = self.high_watermark

    # -- segments --

    def _roll_if_full(self, arriving: list[Placed]) -> Job | None:
        active = self.segments[-1]
        now_ms = int(time.time() * 1000)
        if active.size == 0:
            active.first_append_ms = now_ms
            return None
        size = active.size + sum(len(each.data) for each in arriving)
        aged = now_ms - active.first_append_ms >= self.config.segment_ms
        if size <= self.config.segment_bytes and not aged:
            return None
        offset = arriving[0].base_offset
        states = self.producers.copy()
        _undo(states, arriving)
        self.segments.append(Segment(self.directory, offset))
        self.segments[-1].first_append_ms = now_ms

        def close() -> None:
            active.save_index()
            self._save_producers(states, offset)

        return close

    def roll(self) -> bool:
        """Go on in a new, empty segment; False while records are being written. Blocks briefly."""
        if self.unpublished or self.deleted:
            return False
        fresh = Segment(self.directory, self.end_offset)
        fresh.create()
        self.segments.append(fresh)
        return True

    async def raise_start(self, offset: int) -> None:
        """Raise the log start durably, and remove the segments wholly below; raises OSError."""
        async with self.files:
            if offset <= self.start_offset or self.deleted:
                return
            marker = self.directory / "log-start"
            await asyncio.to_thread(write_atomically, marker, str(offset).encode())
            self.start_offset = offset
            gone: list[Segment] = []
            while len(self.segments) > 1 and self.segments[1].base_offset <= offset:
                gone.append(self.segments.pop(0))
            await asyncio.to_thread(_remove, gone)

    # -- reading --

    def plan_read(self, offset: int, max_bytes: int, *, whole_first: bool) -> SegmentRead | None:
        """How to read from ``offset``; None at the end. Raises KafkaError 1 outside the log."""
        if not self.start_offset <= offset <= self.high_watermark:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        for segment in self._segments_from(offset):
            if segment.size:
                return SegmentRead(segment, offset, max_bytes, whole_first=whole_first)
        return None

    def readable_bytes(self, offset: int) -> int:
        """About how many bytes a reader at ``offset`` has before it (for ``min_bytes``)."""
        if not self.start_offset <= offset < self.high_watermark:
            return 0
        segments = self._segments_from(offset)
        first = next(segments, None)
        if first is None:
            return 0
        ahead = max(first.size - first.index.position_of(offset), 1)
        return ahead + sum(segment.size for segment in segments)

    def _segments_from(self, offset: int) -> Iterator[Segment]:
        """The segments that hold ``offset`` or later ones."""
        at = bisect.bisect_right(self.segments, offset, key=lambda each: each.base_offset) - 1
        at = max(at, 0)
        if offset >= self.segments[at].next_offset:
            at += 1
        return iter(self.segments[at:])

    def watch(self, watcher: asyncio.Future[None]) -> None:
        """Resolve ``watcher`` when there is more to read."""
        self._watchers.add(watcher)

    def unwatch(self, watcher: asyncio.Future[None]) -> None:
        """Forget a watcher."""
        self._watchers.discard(watcher)

    def wake_watchers(self) -> None:
        """Wake the waiting fetches."""
        watchers, self._watchers = self._watchers, set()
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    def mark_deleted(self) -> None:
        """The topic is gone: waiting producers and consumers are told."""
        self.deleted = True
        self.wake_watchers()

    # -- start and stop --

    def recover(self) -> None:
        """Learn the state from the directory, which is created if missing. Blocks."""
        make_directory(self.directory)
        for draft in self.directory.glob("*.draft"):
            draft.unlink()
        bases = sorted(int(path.stem) for path in self.directory.glob("*.log"))
        segments: list[Segment] = []
        for base in bases or [0]:
            segment = Segment(self.directory, base)
            if segments and base < segments[-1].next_offset:
                segment.remove()  # compaction had merged it into the one before
                continue
            if bases:
                segment.recover(is_last=base == bases[-1])
            segments.append(segment)
        self.segments = segments
        marker = self.directory / "log-start"
        start = int(marker.read_text()) if marker.exists() else 0
        self.start_offset = max(segments[0].base_offset, start)
        self.end_offset = self.high_watermark = max(segments[-1].next_offset, self.start_offset)
        self._recover_producers()

    def close(self) -> None:
        """Write what makes the next start fast; call when idle. Blocks."""
        if not self.deleted and self.high_watermark != self._snapshot_offset:
            self.segments[-1].save_index()
            self._save_producers(self.producers, self.high_watermark)

    @property
    def _producers_path(self) -> Path:
        return self.directory / "producers.json"

    def _save_producers(self, states: ProducerStates, offset: int) -> None:
        producer_snapshot.save(self._producers_path, states, offset)
        self._snapshot_offset = offset

    def _recover_producers(self) -> None:
        """Take the snapshot, then follow the log.

        Producers are counted as heard of now: the times of their records may be long past.
        """
        self.producers, known_until = producer_snapshot.load(
            self._producers_path, self.high_watermark
        )
        self._snapshot_offset = known_until
        now_ms = int(time.time() * 1000)
        for segment in self._segments_from(known_until):
            for header, _ in segment.batches(segment.index.position_of(known_until)):
                if header.base_offset >= known_until and header.producer_id != NO_PRODUCER:
                    self.producers.record(header, header.base_offset, now_ms)


def _remove(segments: list[Segment]) -> None:
    for segment in segments:
        segment.remove()


def _undo(states: ProducerStates, items: list[Placed]) -> None:
    for each in reversed(items):
        if each.header.producer_id != NO_PRODUCER:
            states.restore(each.header.producer_id, each.replaced)
