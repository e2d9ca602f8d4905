"""The stream of one table: settle where it stands, buffer, commit, announce. The async edge.

Each table has its own thread, catalog connection and loops, so that one table that fails or waits
does not delay the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from aiokafka.errors import CorruptRecordException

from services.stream_writer.bad_share import BadShareGate
from services.stream_writer.committing import Committer
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.exports.export_committing import ExportCommitter
from services.stream_writer.exports.export_writer import ExportWriter
from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from services.stream_writer.partition_board import Notices, Stop
from services.stream_writer.partitions import Partitions
from services.stream_writer.record_batches.record import Malformed
from services.stream_writer.settling import Settler
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_partitions import TablePartitions
from services.stream_writer.table_thread import TableThread
from services.stream_writer.table_writer import TableWriter
from shared.lake.outbox import Outbox
from shared.runtime.table_states import TableStates


class TableStream:
    """One table on one worker."""

    def __init__(
        self,
        writer: TableWriter,
        settings: StreamWriterSettings,
        broker: Partitions,
        states: TableStates,
        outbox: Outbox,
        dead_letters: DeadLetterSink,
        metrics: StreamMetrics,
        thread: TableThread | None = None,
        notices: Notices | None = None,
    ) -> None:
        self.table = writer.spec.name
        self._announcing_key: PartitionKey = (writer.spec.topics[0], 0)
        self._outbox = outbox
        self._gate = BadShareGate(
            settings.stream_writer_bad_share, settings.stream_writer_bad_minimum
        )
        self._thread = thread or TableThread(self.table)
        self._ours = TablePartitions(
            self.table, broker, metrics, settings.stream_writer_buffer_bytes, notices
        )
        self._settler = Settler(self._ours, writer, self._thread, broker, self._gate, metrics)
        committer = ExportCommitter if isinstance(writer, ExportWriter) else Committer
        self._committer = committer(
            self._ours,
            writer,
            self._thread,
            broker,
            settings,
            states,
            outbox,
            dead_letters,
            self._gate,
            metrics,
        )
        self._settling: asyncio.Task[None] | None = None
        self._committing: asyncio.Task[None] | None = None
        metrics.watch(self.table, lambda: self._ours.held_bytes, lambda: outbox.pending)

    def start(self) -> None:
        """Begin to work in the background."""
        self._settling = asyncio.create_task(self._settler.run(), name=f"settle {self.table}")
        self._committing = asyncio.create_task(self._committer.run(), name=f"commit {self.table}")

    def assigned(self, keys: Iterable[PartitionKey], generation: int) -> None:
        """These and only these partitions are ours from now on."""
        self._ours.assign(keys, generation)
        if self._announcing_key in self._ours.keys:
            self._outbox.own()
        else:
            self._outbox.disown()

    def revoked(self) -> None:
        """No partition is ours any more; what is buffered will be read by its next owner."""
        self._ours.revoke()

    def take(self, batch: PartitionBatch) -> None:
        """A fetched batch, its topic by logical name."""
        self._ours.take(batch)

    def partition_failed(self, key: PartitionKey, error: Exception) -> None:
        """The broker will not serve the partition from where it stands, or serves no records."""
        if isinstance(error, CorruptRecordException | Malformed):
            self._ours.stop({key}, Stop("corrupt_records", _corrupt_text(key, error)))
        else:
            self._ours.read_again({key}, type(error).__name__)

    def resume(self) -> None:
        """An operator wants the table to go on although much of its input is bad."""
        self._gate.resume()
        self._ours.settle_now.set()

    async def drain(self, timeout_s: float) -> None:
        """Commit what is buffered and announce it, at most ``timeout_s``; then stop."""
        await _ended(self._settling)
        self._ours.hold()
        self._committer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._ours.idle.wait()
                await self._outbox.flush()
        await _ended(self._committing)
        await self._outbox.release()
        self._thread.close()

    @property
    def settled(self) -> bool:
        """Whether every partition flows or is stopped with a reason."""
        return not self._ours.settling

    def status(self) -> dict[str, object]:
        """For ``/info``."""
        ours = self._ours
        return {
            "flowing": sorted(f"{topic}/{number}" for topic, number in ours.flowing),
            "settling": sorted(f"{topic}/{number}" for topic, number in ours.settling),
            "stopped": {
                f"{topic}/{number}": stop.text
                for (topic, number), stop in sorted(ours.stopped.items())
            },
            "held_bytes": ours.held_bytes,
            "announces": self._outbox.owner,
            "commit_seconds": round(self._committer.pace.commit_s, 4),
        }


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait({task})


def _corrupt_text(key: PartitionKey, error: Exception) -> str:
    topic, number = key
    return (
        f"CorruptRecords: what the broker sent of {topic}/{number} cannot be read: {error}. "
        f"Nothing is skipped; it is fetched again every few seconds. If that does not help, the "
        f"log is damaged on the broker's disk or by a producer: look at it with "
        f"`bergline topics tail {topic} --partition {number}`"
    )
