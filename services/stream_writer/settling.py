"""Settle where a table stands: learn its positions, compare the logs, let partitions flow or stop.

Also later, now and then: a stopped partition may be able to go on, the table of a flowing one may
have been rolled back, and its log may have been replaced.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from services.stream_writer.bad_share import TOO_MANY_BAD, BadShareGate
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.partition_board import Stop
from services.stream_writer.partitions import Partitions
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_partitions import TablePartitions
from services.stream_writer.table_thread import TableThread
from services.stream_writer.table_writer import TableWriter
from shared.lake.log_identity import (
    Continue,
    LogReplaced,
    LogTruncated,
    judge,
    operator_command,
    operator_text,
    positions_lost_text,
)
from shared.lake.positions import Positions
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.stream_writer")

RECHECK_S = 3.0
"""How often a stopped partition is looked at again."""
VERIFY_S = 15.0
"""How often a flowing partition's log and position are compared with the table's."""
RETRY_S = 0.5


class Settler:
    """Settles the partitions of one table, in the background."""

    def __init__(
        self,
        ours: TablePartitions,
        writer: TableWriter,
        thread: TableThread,
        broker: Partitions,
        gate: BadShareGate,
        metrics: StreamMetrics,
    ) -> None:
        self._ours = ours
        self._writer = writer
        self._thread = thread
        self._broker = broker
        self._gate = gate
        self._metrics = metrics
        self._verified_at = asyncio.get_running_loop().time()
        self._warm = False
        self._outage = Outage(log, "position not settled yet", table=ours.table)
        self._cold = Outage(log, "recent delivery ids not learnt yet", table=ours.table)

    async def run(self) -> None:
        """Settle whenever it is needed, until cancelled."""
        ours, loop = self._ours, asyncio.get_running_loop()
        while True:
            # Not wait_for: before Python 3.12 it may swallow the cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_S):
                    await ours.settle_now.wait()
            ours.settle_now.clear()
            verify = loop.time() - self._verified_at >= VERIFY_S
            wanted = ours.settling | set(ours.stopped) | (ours.flowing if verify else set())
            if not wanted:
                continue
            try:
                await self._settle(wanted, ours.generation)
            except Exception as error:  # noqa: BLE001 - catalog or broker away: settle later
                self._metrics.error("settle", "receiving")
                self._outage.failed(error)
                if ours.settling:
                    await asyncio.sleep(RETRY_S)
                    ours.settle_now.set()
                continue
            self._outage.over()
            if verify:
                self._verified_at = loop.time()

    async def _settle(self, wanted: set[PartitionKey], generation: int) -> None:
        ours = self._ours
        quiet, taken = ours.idle.is_set(), ours.taken
        positions = await self._thread.run(self._writer.positions)
        await self._warm_up()
        bounds = await self._broker.bounds(wanted)
        for key in sorted(wanted):
            if generation != ours.generation:
                return
            if positions is None:
                text = positions_lost_text(ours.table)
                ours.stop({key}, Stop("positions_lost", text))
                continue
            at, tail = positions.next_offset(*key), positions.tail(*key)
            found = None
            if tail is not None and bounds[key].start <= tail.offset < bounds[key].end:
                found = await self._broker.record_at(key, tail.offset)
            verdict = judge(at, tail, bounds[key], found)
            if generation != ours.generation:
                return
            if not isinstance(verdict, Continue):
                text = operator_text(ours.table, *key, verdict)
                command = operator_command(ours.table, *key, verdict)
                ours.stop({key}, Stop(_reason(verdict), text, command))
            elif key not in ours.flowing:
                await self._begin(key, verdict, positions, generation)
            elif quiet and taken == ours.taken and ours.buffer.expected(key) != verdict.offset:
                ours.read_again({key}, "the table was moved to another position")

    async def _begin(
        self, key: PartitionKey, verdict: Continue, positions: Positions, generation: int
    ) -> None:
        stop = self._ours.stopped.get(key)
        if stop is not None and stop.reason == TOO_MANY_BAD and not self._gate.overridden:
            return
        self._writer.settled(key, positions, verdict.offset if verdict.first else None)
        if await self._broker.flow(key, verdict.offset) and generation == self._ours.generation:
            self._ours.flow(key, verdict.offset)

    async def _warm_up(self) -> None:
        """Replays are only marked, so that not knowing them must not keep a table from going on."""
        if self._warm:
            return
        try:
            await self._thread.run(self._writer.warm_up)
        except Exception as error:  # noqa: BLE001 - tried again when the table is settled again
            self._metrics.error("warm_up", "receiving")
            self._cold.failed(error)
        else:
            self._warm = True
            self._cold.over()


def _reason(verdict: LogReplaced | LogTruncated) -> str:
    return "log_replaced" if isinstance(verdict, LogReplaced) else "log_truncated"
