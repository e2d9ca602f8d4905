"""The log of one partition: segments, what is durable, and what is about to become so.

Offsets are given out at once; a record counts (for consumers and for the producer's answer) when
the group commit that carries it has been synced. If that fails, everything not durable is taken
back, producer states included, and answered with KAFKA_STORAGE_ERROR.
"""

import asyncio
import bisect
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import crc32c

from .errors import ErrorCode, KafkaError
from .files import sync_directory, write_atomically, write_fully
from .flusher import Flusher, Job
from .producers import NO_PRODUCER, ProducerEntry, ProducerStates
from .record_batch import BatchHeader, placed
from .segment import Segment, SegmentRead
from .topic_configs import LogConfig

Outcome = asyncio.Future[ErrorCode]


class Appended(NamedTuple):
    """Where a batch lies, and the future that tells whether it became durable."""

    base_offset: int
    append_time: int
    outcome: Outcome


class _Pending(NamedTuple):
    header: BatchHeader
    base_offset: int
    max_timestamp: int
    data: bytearray
    replaced: ProducerEntry | None


class PartitionLog:
    """Appends on the event loop, writes in the flusher's threads, reads by plan."""

    def __init__(self, directory: Path, config: LogConfig, flusher: Flusher) -> None:
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
        self._saved_until = 0
        self.cleaned_until = 0  # compaction: offsets below hold one value per key
        self._flusher = flusher
        self._pending: list[_Pending] = []
        self._flushing: list[_Pending] = []
        self._next_outcome: Outcome | None = None
        self._flushing_outcome: Outcome | None = None
        self._watchers: set[asyncio.Future[None]] = set()

    @property
    def size(self) -> int:
        """Durable bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being written."""
        return not self._pending and not self._flushing

    # -- appending --

    def append(self, records: memoryview, header: BatchHeader, now_ms: int) -> Appended:
        """Take a validated batch; raises KafkaError 45 or 47 for a bad producer sequence."""
        if header.producer_id != NO_PRODUCER:
            known = self.producers.admit(header)
            if known is not None:
                return Appended(known.base_offset, known.appended_ms, self._outcome_of(known[2]))
        base_offset = self.end_offset
        append_time = now_ms if self.config.log_append_time else None
        data = placed(records, header, base_offset, append_time)
        replaced = None
        if header.producer_id != NO_PRODUCER:
            replaced = self.producers.record(header, base_offset, now_ms)
        newest = header.max_timestamp if append_time is None else append_time
        self._pending.append(_Pending(header, base_offset, newest, data, replaced))
        self.end_offset = base_offset + header.last_offset_delta + 1
        if self._next_outcome is None:
            self._next_outcome = asyncio.get_running_loop().create_future()
            self._flusher.request(self)
        return Appended(base_offset, -1 if append_time is None else append_time, self._next_outcome)

    def begin_flush(self) -> Job | None:
        """Take the collected batches; starts a new segment when the last one is full."""
        if not self._pending or self.deleted:
            self._fail()
            return None
        self._flushing, self._pending = self._pending, []
        self._flushing_outcome, self._next_outcome = self._next_outcome, None
        full = self._roll_if_full()
        buffers = [pending.data for pending in self._flushing]
        return _write_job(self.segments[-1], buffers, full)

    def finish_flush(self, error: OSError | None) -> None:
        """Publish what is durable, or take all of it back."""
        if error is not None or self.deleted:
            self._fail()
            return
        segment = self.segments[-1]
        for pending in self._flushing:
            size = len(pending.data)
            segment.note(pending.header, pending.base_offset, size, pending.max_timestamp)
            self.produced_bytes += size
        self._flushing = []
        self.high_watermark = segment.next_offset
        outcome, self._flushing_outcome = self._flushing_outcome, None
        _resolve(outcome, ErrorCode.NONE)
        self.wake_watchers()

    def _fail(self) -> None:
        for pending in reversed(self._flushing + self._pending):
            if pending.header.producer_id != NO_PRODUCER:
                self.producers.restore(pending.header.producer_id, pending.replaced)
        self._flushing, self._pending = [], []
        self.end_offset = self.high_watermark
        outcomes = (self._flushing_outcome, self._next_outcome)
        self._flushing_outcome = self._next_outcome = None
        for outcome in outcomes:
            _resolve(outcome, ErrorCode.KAFKA_STORAGE_ERROR)

    def _outcome_of(self, offset: int) -> Outcome:
        """The future of a batch that was appended before: a repeat waits like the original."""
        outcome: Outcome | None = None
        if offset >= self.high_watermark:
            waiting = self._pending and offset >= self._pending[0].base_offset
            outcome = self._next_outcome if waiting else self._flushing_outcome
        if outcome is None:
            outcome = asyncio.get_running_loop().create_future()
            outcome.set_result(ErrorCode.NONE)
        return outcome

    # -- segments --

    def _roll_if_full(self) -> Job | None:
        active = self.segments[-1]
        first = self._flushing[0]
        arriving = sum(len(pending.data) for pending in self._flushing)
        now_ms = int(time.time() * 1000)
        if active.size == 0:
            active.first_append_ms = now_ms
            return None
        too_large = active.size + arriving > self.config.segment_bytes
        if not too_large and now_ms - active.first_append_ms < self.config.segment_ms:
            return None
        states = self.producers.copy()
        for pending in reversed(self._flushing):
            if pending.header.producer_id != NO_PRODUCER:
                states.restore(pending.header.producer_id, pending.replaced)
        self.segments.append(Segment(self.directory, first.base_offset))
        self.segments[-1].first_append_ms = now_ms

        def close() -> None:
            active.save_index()
            self._save_producers(states, first.base_offset)

        return close

    def next_segment(self) -> Segment:
        """An empty segment for the present end of the log, not yet part of it."""
        return Segment(self.directory, self.end_offset)

    def adopt_empty(self, fresh: Segment) -> bool:
        """Go on in a created empty segment; False if the log has grown since it was made."""
        if not self.is_idle or self.end_offset != fresh.base_offset or self.deleted:
            return False
        self.segments.append(fresh)
        return True

    def advance_start(self, offset: int) -> list[Segment]:
        """Raise the log start; the segments that lie wholly below it, for removal."""
        self.start_offset = max(self.start_offset, offset)
        gone: list[Segment] = []
        while len(self.segments) > 1 and self.segments[1].base_offset <= self.start_offset:
            gone.append(self.segments.pop(0))
        return gone

    def save_start(self, offset: int) -> None:
        """Make a raised log start durable. Blocks."""
        write_atomically(self.directory / "log-start", str(offset).encode())

    # -- reading --

    def plan_read(self, offset: int, max_bytes: int, *, whole_first: bool) -> SegmentRead | None:
        """How to read from ``offset``; None at the end. Raises KafkaError 1 outside the log."""
        if not self.start_offset <= offset <= self.high_watermark:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if offset == self.high_watermark:
            return None
        for segment in self.segments_from(offset):
            if segment.size:
                return SegmentRead(segment, offset, max_bytes, whole_first=whole_first)
        return None

    def readable_bytes(self, offset: int) -> int:
        """About how many bytes a reader at ``offset`` has before it (for ``min_bytes``)."""
        if not self.start_offset <= offset < self.high_watermark:
            return 0
        segments = self.segments_from(offset)
        first = next(segments, None)
        if first is None:
            return 0
        ahead = max(first.size - first.index.position_of(offset), 1)
        return ahead + sum(segment.size for segment in segments)

    def segments_from(self, offset: int) -> Iterator[Segment]:
        """The segments that may hold ``offset`` or later ones."""
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
        self.directory.mkdir(parents=True, exist_ok=True)
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
        if not self.deleted and self.high_watermark != self._saved_until:
            self.segments[-1].save_index()
            self._save_producers(self.producers, self.high_watermark)

    @property
    def _producers_path(self) -> Path:
        return self.directory / "producers.json"

    def _save_producers(self, states: ProducerStates, offset: int) -> None:
        content = json.dumps({"offset": offset, "producers": states.dump()}).encode()
        line = b"%08x %s" % (crc32c.crc32c(content), content)
        write_atomically(self._producers_path, line, durable=False)
        self._saved_until = offset

    def _load_producers(self) -> int:
        """Take the snapshot, if it is whole; the offset up to which it is complete."""
        if not self._producers_path.exists():
            return 0
        line = self._producers_path.read_bytes()
        if line[:8] != b"%08x" % crc32c.crc32c(line[9:]):
            return 0
        snapshot = json.loads(line[9:])
        if snapshot["offset"] > self.high_watermark:
            return 0
        self.producers = ProducerStates.load(snapshot["producers"])
        self._saved_until = int(snapshot["offset"])
        return self._saved_until

    def _recover_producers(self) -> None:
        position = self._load_producers()
        for segment in self.segments:
            if segment.next_offset <= position or not segment.size:
                continue
            for header, _ in segment.headers(segment.index.position_of(position)):
                if header.base_offset >= position and header.producer_id != NO_PRODUCER:
                    self.producers.record(header, header.base_offset, header.max_timestamp)


def _resolve(outcome: Outcome | None, code: ErrorCode) -> None:
    if outcome is not None and not outcome.done():
        outcome.set_result(code)


def _write_job(segment: Segment, buffers: list[bytearray], close_previous: Job | None) -> Job:
    position = segment.size

    def write() -> None:
        if close_previous is not None:
            close_previous()
        descriptor = os.open(segment.path, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            write_fully(descriptor, buffers, position)
            os.fdatasync(descriptor)
        except OSError:
            # What was written is not acknowledged: cut it off, or the next start would find it.
            os.ftruncate(descriptor, position)
            raise
        finally:
            os.close(descriptor)
        if position == 0:
            sync_directory(segment.path.parent)

    return write
