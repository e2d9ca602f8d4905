"""One stream_writer in memory: the real stream of its table, between a group and a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.table_stream import TableStream
from shared.contracts.tables import TableCommitted
from shared.lake.outbox import Outbox
from shared.lake.table_state import TableState
from tests.explore.consumer import Compares, Consumer
from tests.explore.memory_table import MemoryTarget
from tests.explore.ports import Letters, MemoryWriter, States, Unmeasured
from tests.explore.process import Process, Thread
from tests.explore.topic_log import EVENTS, LogRecord, OffsetOutOfRange

if TYPE_CHECKING:
    from tests.explore.world import World

PATIENCE_S = 2.0
"""How long a commit is tried in one call."""
SETTINGS = StreamWriterSettings(stream_writer_max_age_s=0.5, stream_writer_dense_s=30.0)


class _Member(Consumer):
    """The consumer, knowing what its worker knows."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._worker = worker

    def compares(self, key: PartitionKey) -> Compares:
        ours, read = self._worker.stream._ours, self._worker.writer.read
        waiting = any(batch.key == key for batch in self.queue)
        if waiting or (key in ours.flowing and not ours.idle.is_set()):
            return Compares.STALE
        runs = self._worker.world.audit.runs(key)
        position = None if read is None else read.partitions.get(key)
        if (position.next if position else None) != (runs[-1].next if runs else None):
            return Compares.STALE
        tail, bounds = position.tail if position else None, self._worker.world.logs[key].bounds
        record = tail is not None and bounds.start <= tail.offset < bounds.end
        return Compares.RECORD if record else Compares.BOUNDS


class Worker(Process):
    """One process."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        with self.loop.running():
            target: Any = MemoryTarget(world.table, self.wall_clock, self.point)
            self.writer = MemoryWriter(
                target, EVENTS, 600.0, PATIENCE_S, clock=self.wall_clock, sleep=self.sleep
            )
            self.states = States()
            self.outbox = Outbox(EVENTS.name, self.states, self._announce, self._load)
            self.consumer = _Member(self)
            self.stream = TableStream(
                self.writer,
                SETTINGS,
                self.consumer,
                self.states,
                self.outbox,
                Letters(self._publish_letters),
                Unmeasured(),
                Thread(self),
            )
            self.stream.start()
        self.loop.run_ready()

    @property
    def stopped(self) -> dict[PartitionKey, str]:
        """Partitions that it does not consume, with the reasons."""
        return {key: stop.reason for key, stop in self.stream._ours.stopped.items()}

    def assign(self, keys: set[PartitionKey], generation: int) -> None:
        """The group rebalances, and this worker hears of it."""
        with self.loop.running():
            self.stream.revoked()
            self.consumer.assign(keys, generation)
            self.stream.assigned(keys, generation)
        self.loop.run_ready()

    def fetch(self, key: PartitionKey, most: int) -> None:
        """Fetch records of a partition; they wait to be handed over."""
        try:
            self.consumer.fetch(key, most)
        except OffsetOutOfRange as error:
            with self.loop.running():
                self.stream.partition_failed(key, error)
            self.loop.run_ready()

    def hand_over(self) -> None:
        """The stream is given what was fetched, of whatever generation."""
        queue, self.consumer.queue = self.consumer.queue, []
        with self.loop.running():
            for batch in queue:
                self.stream.take(batch)
        self.loop.run_ready()

    async def _load(self) -> TableState:
        state: TableState = await self.operation("look", lambda: self.world.table.state)
        return state

    async def _announce(self, event: TableCommitted) -> None:
        await self.operation("publish", lambda: self.world.audit.announced(event))
        await self.operation("publish state", lambda: self.world.tables.append(event))

    async def _publish_letters(self, records: list[LogRecord]) -> None:
        serials = [record.serial for record in records]
        await self.operation("letters", lambda: self.world.audit.letters.update(serials))
