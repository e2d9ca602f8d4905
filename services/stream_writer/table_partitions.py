"""The partitions of one table that are ours: their states, and what is buffered of them.

A partition is in one of three states:

- *settling*: assigned, paused, its position is being learnt from the table;
- *flowing*: fetched and buffered;
- *stopped*: not consumed, with a reason for the operator; looked at again now and then.

State only: nothing here waits. :mod:`services.stream_writer.settling` moves partitions between
the states, :mod:`services.stream_writer.committing` takes what is buffered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from services.stream_writer.buffer import TableBuffer, Verdict, Work
from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from services.stream_writer.partition_board import Notices, Stop
from services.stream_writer.partitions import Partitions
from services.stream_writer.stream_metrics import StreamMetrics

log = structlog.stdlib.get_logger("bergline.stream_writer")

RECORD_BYTES = 300
"""Memory of one fetched record beside its bytes, at most: that of a batch of one record."""
COMMIT_FACTOR = 4
"""Memory of a record that is being committed, for each of its bytes: the bytes, columns, rows and
the file made of them, measured."""


class TablePartitions:
    """Partitions of one table on one worker. Everything is dropped when the group rebalances."""

    def __init__(
        self,
        table: str,
        broker: Partitions,
        metrics: StreamMetrics,
        limit_bytes: int,
        notices: Notices | None = None,
    ) -> None:
        self.table = table
        self._broker = broker
        self._metrics = metrics
        self._limit_bytes = limit_bytes
        self._notices = notices
        self.buffer = TableBuffer()
        self.generation = -1
        """Group generation of the present assignment, -1 when nothing is ours."""
        self.settling: set[PartitionKey] = set()
        self.flowing: set[PartitionKey] = set()
        self.stopped: dict[PartitionKey, Stop] = {}
        self.taken = 0
        """Batches buffered since the start."""
        self.settle_now = asyncio.Event()
        self.changed = asyncio.Event()
        """Something was buffered or dropped."""
        self.idle = asyncio.Event()
        """Nothing is buffered, and nothing is being committed."""
        self.idle.set()
        self._highwater: dict[PartitionKey, int] = {}
        self._in_flight: Work | None = None
        self._paused = False

    @property
    def keys(self) -> set[PartitionKey]:
        """All partitions that are ours."""
        return self.settling | self.flowing | set(self.stopped)

    @property
    def held_bytes(self) -> int:
        """Memory of what is buffered or being committed."""
        work = self._in_flight or Work()
        sent = self.buffer.bytes + COMMIT_FACTOR * work.bytes
        return sent + RECORD_BYTES * (self.buffer.rows + work.rows)

    @property
    def full(self) -> bool:
        """Whether no more is fetched until something is committed."""
        return self._paused

    def assign(self, keys: Iterable[PartitionKey], generation: int) -> None:
        """These and only these partitions are ours from now on."""
        self.revoke()
        self.generation = generation
        self.settling = set(keys)
        self.settle_now.set()

    def revoke(self) -> None:
        """No partition is ours any more; what is buffered will be read by its next owner."""
        for key in self.keys:
            self.buffer.drop(key)
            self._metrics.released(self.table, key)
            if self._notices is not None:
                self._notices.released(key)
        self.settling = set()
        self.flowing = set()
        self.stopped = {}
        self._highwater = {}
        self._paused = False
        self.generation = -1
        self.changed.set()

    def take(self, batch: PartitionBatch) -> None:
        """A fetched batch, its topic by logical name."""
        key = batch.key
        if key not in self.flowing or batch.generation != self.generation:
            return
        if batch.highwater < self._highwater.get(key, 0):
            self.read_again({key}, "the log's end went back")
            return
        self._highwater[key] = batch.highwater
        since = asyncio.get_running_loop().time() - batch.waited_s
        verdict = self.buffer.add(batch, since)
        if verdict is Verdict.HOLE:
            self.read_again({key}, "a fetched range was not delivered")
        elif verdict is Verdict.TAKEN:
            self.taken += 1
            self.idle.clear()
            self._metrics.received(batch.topic, len(batch.records))
            self.changed.set()
            self._bound()

    def read_again(self, keys: Iterable[PartitionKey], why: str) -> None:
        """Settle those of ``keys`` that flow anew; what is buffered of them is dropped."""
        moved = set(keys) & self.flowing
        if not moved:
            return
        log.info(
            "reading again from the table's position",
            table=self.table,
            partitions=sorted(f"{topic}/{number}" for topic, number in moved),
            why=why,
        )
        self._halt(moved)
        self.settling |= moved
        self.settle_now.set()

    def stop(self, keys: Iterable[PartitionKey], stop: Stop) -> None:
        """Do not consume those of ``keys`` that are ours."""
        halted = set(keys) & self.keys
        self._halt(halted)
        self.settling -= halted
        for topic, number in sorted(halted):
            if self.stopped.get((topic, number)) != stop:
                log.error(
                    stop.text,
                    table=self.table,
                    topic=topic,
                    partition=number,
                    reason=stop.reason,
                )
            self.stopped[topic, number] = stop
            self._metrics.stopped((topic, number), stop.reason)
            if self._notices is not None:
                self._notices.stopped(self.table, (topic, number), stop)

    def flow(self, key: PartitionKey, offset: int) -> None:
        """The partition is fetched from ``offset`` on."""
        if self.stopped.pop(key, None) is not None:
            log.info("partition goes on", table=self.table, topic=key[0], partition=key[1])
        self.settling.discard(key)
        self.flowing.add(key)
        self._highwater.pop(key, None)
        self.buffer.expect(key, offset)
        self._metrics.not_stopped(key)
        if self._notices is not None:
            self._notices.flows(self.table, key)
        if self._paused:
            self._broker.pause({key})

    def hold(self) -> None:
        """Fetch no more; what is buffered stays."""
        self._broker.pause(self.flowing)

    def begin_commit(self) -> Work:
        """Everything that is buffered, to be committed now."""
        self._in_flight = self.buffer.take()
        return self._in_flight

    def end_commit(self) -> None:
        """What was to be committed is committed or given up."""
        self._in_flight = None
        self._bound()

    def _halt(self, keys: set[PartitionKey]) -> None:
        for key in keys:
            self.buffer.drop(key)
        self.flowing -= keys
        self._broker.pause(keys)
        self.changed.set()
        self._bound()

    def _bound(self) -> None:
        held = self.held_bytes
        if not self._paused and held >= self._limit_bytes:
            self._paused = True
            self._broker.pause(self.flowing)
        elif self._paused and held < self._limit_bytes // 2:
            self._paused = False
            self._broker.resume(self.flowing)
