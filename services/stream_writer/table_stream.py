"""The stream of one table: settle where it stands, buffer, commit, go on. The async edge.

Each table has its own thread, catalog connection and loop, so that one table that fails or waits
does not delay the others. Partitions of the table are in one of three states:

- *settling*: assigned, paused, its position is being learnt from the table;
- *flowing*: fetched and buffered;
- *stopped*: not consumed, with a reason for the operator; looked at again now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog

from services.stream_writer.bad_share import BadShareGate
from services.stream_writer.buffer import TableBuffer, Verdict, Work
from services.stream_writer.commit_pace import CommitPace
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.outbox import Outbox
from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from services.stream_writer.partitions import Partitions
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_writer import (
    PartitionsBehind,
    PositionsLost,
    Prepared,
    TableWriter,
)
from shared.lake.commit import Outcome, Result, Thinning
from shared.lake.log_identity import (
    Continue,
    LogReplaced,
    LogTruncated,
    judge,
    operator_text,
    positions_lost_text,
)
from shared.lake.positions import Positions
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import BerglineError
from shared.runtime.table_states import TableStates

log = structlog.stdlib.get_logger("bergline.stream_writer")

RECHECK_S = 3.0
"""How often a stopped partition is looked at again."""
VERIFY_S = 15.0
"""How often a flowing partition's log is compared with what the table has consumed."""
RETRY_S = 0.5

_T = TypeVar("_T")


class TableStream:
    """One table on one worker."""

    def __init__(
        self,
        writer: TableWriter,
        settings: StreamWriterSettings,
        partitions: Partitions,
        states: TableStates,
        outbox: Outbox,
        dead_letters: DeadLetterSink,
        metrics: StreamMetrics,
    ) -> None:
        self.table = writer.spec.name
        self._writer = writer
        self._settings = settings
        self._partitions = partitions
        self._states = states
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.table)
        self._buffer = TableBuffer()
        self._gate = BadShareGate(
            settings.stream_writer_bad_share, settings.stream_writer_bad_minimum
        )
        self._generation = -1
        self._settling: set[PartitionKey] = set()
        self._flowing: set[PartitionKey] = set()
        self._stopped: dict[PartitionKey, str] = {}
        self._highwater: dict[PartitionKey, int] = {}
        self._in_flight_bytes = 0
        self._taken = 0
        self._paused = False
        self._wake = asyncio.Event()
        self._settle_now = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._pace = CommitPace(settings.stream_writer_max_age_s)
        self._verified_at = time.monotonic()
        self._warm = False
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False

    # -- what the service tells it ----------------------------------------------------------

    def start(self) -> None:
        """Begin to work in the background."""
        for coroutine in (self._commit_loop(), self._settle_loop()):
            self._tasks.append(asyncio.create_task(coroutine, name=self.table))

    def assigned(self, keys: Iterable[PartitionKey], generation: int) -> None:
        """These and only these partitions are ours from now on."""
        self.revoked()
        self._generation = generation
        self._settling = set(keys)
        self._settle_now.set()

    def revoked(self) -> None:
        """No partition is ours any more; what is buffered will be read by its next owner."""
        for key in self.keys:
            self._buffer.drop(key)
            self._metrics.not_stopped(key)
        self._settling = set()
        self._flowing = set()
        self._stopped = {}
        self._highwater = {}
        self._paused = False
        self._generation = -1
        self._wake.set()

    def take(self, batch: PartitionBatch) -> None:
        """A fetched batch, its topic by logical name."""
        key = batch.key
        if key not in self._flowing or batch.generation != self._generation:
            return
        if batch.highwater < self._highwater.get(key, 0):
            self._resettle({key}, "the log's end went back")
            return
        self._highwater[key] = batch.highwater
        verdict = self._buffer.add(batch, time.monotonic())
        if verdict is Verdict.HOLE:
            self._resettle({key}, "a fetched range was not delivered")
        elif verdict is Verdict.TAKEN:
            self._taken += 1
            self._idle.clear()
            self._metrics.received(batch.topic, len(batch.records))
            self._bound()
            self._wake.set()

    def partition_failed(self, key: PartitionKey, error: Exception) -> None:
        """The broker will not serve the partition from where it stands."""
        if key in self._flowing:
            self._resettle({key}, type(error).__name__)

    def resume(self) -> None:
        """An operator wants the table to go on although much of its input is bad."""
        self._gate.resume()
        self._settling |= set(self._stopped)
        self._settle_now.set()

    async def drain(self, timeout_s: float) -> None:
        """Commit what is buffered and announce it, at most ``timeout_s``; then stop."""
        self._draining = True
        self._partitions.pause(self._flowing)
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
                await self._outbox.flush()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._outbox.release()
        self._thread.shutdown(wait=False, cancel_futures=True)

    # -- what it tells ----------------------------------------------------------------------

    @property
    def keys(self) -> set[PartitionKey]:
        """All partitions that are ours."""
        return self._settling | self._flowing | set(self._stopped)

    @property
    def settled(self) -> bool:
        """Whether every partition flows or is stopped with a reason."""
        return not self._settling

    def status(self) -> dict[str, object]:
        """For ``/info``."""
        return {
            "flowing": sorted(f"{topic}/{p}" for topic, p in self._flowing),
            "settling": sorted(f"{topic}/{p}" for topic, p in self._settling),
            "stopped": {f"{t}/{p}": why for (t, p), why in sorted(self._stopped.items())},
            "buffered_bytes": self._buffer.bytes + self._in_flight_bytes,
            "announces": self._outbox.owner,
            "commit_seconds": round(self._pace.commit_s, 4),
        }

    # -- settling ---------------------------------------------------------------------------

    def _resettle(self, keys: Iterable[PartitionKey], why: str) -> None:
        moved = set(keys) & (self._flowing | set(self._stopped))
        log.info(
            "reading again from the table's position",
            table=self.table,
            partitions=sorted(f"{t}/{p}" for t, p in moved),
            why=why,
        )
        for key in moved:
            self._buffer.drop(key)
            self._stopped.pop(key, None)
        self._flowing -= moved
        self._settling |= moved
        self._partitions.pause(moved)
        self._settle_now.set()

    async def _settle_loop(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settle_now.wait(), RECHECK_S)
            self._settle_now.clear()
            generation = self._generation
            verify = time.monotonic() - self._verified_at >= VERIFY_S
            wanted = self._settling | set(self._stopped) | (self._flowing if verify else set())
            if not wanted:
                continue
            try:
                await self._settle(wanted, generation)
                if verify:
                    self._verified_at = time.monotonic()
            except Exception as error:  # noqa: BLE001 - catalog or broker away: settle later
                self._metrics.error("settle", "receiving")
                log.warning(
                    "position not settled yet",
                    table=self.table,
                    error=f"{type(error).__name__}: {error}",
                )
                if self._settling:
                    await asyncio.sleep(RETRY_S)
                    self._settle_now.set()

    async def _settle(self, wanted: set[PartitionKey], generation: int) -> None:
        idle, taken = self._idle.is_set(), self._taken
        positions, _ = await self._in_thread(self._writer.positions)
        idle = idle and taken == self._taken
        if not self._warm:
            await self._in_thread(self._writer.warm_up)
            self._warm = True
        bounds = await self._partitions.bounds(wanted)
        for key in sorted(wanted):
            if generation != self._generation:
                return
            if positions is None:
                self._stop({key}, "positions_lost", positions_lost_text(self.table))
                continue
            at, tail = positions.next_offset(*key), positions.tail(*key)
            found = None
            if tail is not None and bounds[key].start <= tail.offset < bounds[key].end:
                found = await self._partitions.record_at(key, tail.offset)
            verdict = judge(at, tail, bounds[key], found)
            if generation != self._generation:
                return
            if not isinstance(verdict, Continue):
                self._stop({key}, _reason(verdict), operator_text(self.table, *key, verdict))
            elif key not in self._flowing:
                await self._begin(key, verdict, generation)
            elif idle and taken == self._taken and self._buffer.expected(key) != verdict.offset:
                self._resettle({key}, "the table was moved to another position")
        self._own_outbox()

    async def _begin(self, key: PartitionKey, verdict: Continue, generation: int) -> None:
        if verdict.first:
            self._writer.first_seen[key] = verdict.offset
        else:
            self._writer.first_seen.pop(key, None)
        if self._stopped.get(key, "").startswith("TooManyBadRecords") and not self._gate.overridden:
            return
        await self._partitions.flow(key, verdict.offset)
        if generation != self._generation:
            return
        if self._stopped.pop(key, None) is not None:
            log.info("partition goes on", table=self.table, topic=key[0], partition=key[1])
        self._settling.discard(key)
        self._flowing.add(key)
        self._highwater.pop(key, None)
        self._buffer.expect(key, verdict.offset)
        self._metrics.not_stopped(key)
        if self._paused:
            self._partitions.pause({key})

    def _stop(self, keys: Iterable[PartitionKey], reason: str, text: str) -> None:
        for key in keys:
            self._partitions.pause({key})
            self._buffer.drop(key)
            self._flowing.discard(key)
            self._settling.discard(key)
            if self._stopped.get(key) != text:
                log.error(text, table=self.table, topic=key[0], partition=key[1], reason=reason)
            self._stopped[key] = text
            self._metrics.stopped(key, reason)

    def _own_outbox(self) -> None:
        first = (self._writer.spec.topics[0], 0)
        if first in self.keys:
            self._outbox.own()
        elif self._outbox.owner:
            self._tasks.append(asyncio.create_task(self._outbox.release()))

    # -- committing -------------------------------------------------------------------------

    async def _commit_loop(self) -> None:
        while True:
            await self._until_due()
            work = self._buffer.take()
            self._in_flight_bytes = work.bytes
            try:
                await self._commit(work, self._generation)
            finally:
                self._in_flight_bytes = 0
                self._bound()

    async def _until_due(self) -> None:
        while True:
            self._wake.clear()
            if self._buffer:
                settings = self._settings
                due = (self._buffer.oldest or 0.0) + self._pace.interval_s
                left = due - time.monotonic()
                if (
                    self._draining
                    or left <= 0
                    or self._buffer.rows >= settings.stream_writer_max_rows
                    or self._buffer.bytes >= settings.stream_writer_max_bytes
                ):
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), left)
            else:
                self._idle.set()
                await self._wake.wait()

    async def _commit(self, work: Work, generation: int) -> None:
        prepared = await self._in_thread(partial(self._writer.prepare, work))
        if not self._gate.admit(prepared.rows.num_rows, len(prepared.bad)):
            self._stop(set(work.batches) & self.keys, "too_many_bad_records", _bad_text(prepared))
            return
        announced = False
        while generation == self._generation:
            try:
                if not announced:
                    await self._dead_letters.announce(prepared)
                    announced = True
                began = time.monotonic()
                thinning = self._thinning()
                outcome = await self._in_thread(partial(self._writer.write, prepared, thinning))
            except PartitionsBehind as behind:
                self._resettle(behind.partitions, "the table stands behind what was read")
                return
            except PositionsLost:
                text = positions_lost_text(self.table)
                self._stop(set(work.batches) & self.keys, "positions_lost", text)
                return
            except Exception as error:  # noqa: BLE001 - kept and tried again until it is known
                kind = "unavailable" if _may_pass(error) else "refused"
                self._metrics.error(kind, "sending")
                self._metrics.outcome(self.table, "failed")
                log.warning("commit tried again", table=self.table, error=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            await self._committed(prepared, outcome, time.monotonic() - began)
            return

    async def _committed(self, prepared: Prepared, outcome: Outcome, seconds: float) -> None:
        self._pace.note(seconds)
        self._metrics.committed(self.table, prepared, outcome, seconds)
        if outcome.result is not Result.NOTHING:
            self._outbox.committed(outcome.metadata)
        positions = _positions(outcome)
        offsets = {
            key: offset
            for key in prepared.work.batches
            if (offset := positions.next_offset(*key)) is not None
        }
        self._metrics.positions(self.table, offsets)
        self._metrics.pending(self.table, self._outbox.pending)
        await self._partitions.commit(offsets)
        if self._writer.sweeper.due():
            await self._in_thread(self._sweep)

    def _sweep(self) -> None:
        try:
            self._writer.sweep()
        except (OSError, BerglineError) as error:
            log.info("removed snapshots not swept yet", table=self.table, error=str(error))

    def _thinning(self) -> Thinning:
        dense_ms = int(self._settings.stream_writer_dense_s * 1000)
        if self._outbox.owner:
            return Thinning(
                ThinningPolicy(dense_ms=dense_ms),
                self._states.pinned(self.table),
                self._outbox.announced,
            )
        # Only the announcing worker knows what is announced: leave it time to do so.
        return Thinning(ThinningPolicy(dense_ms=5 * dense_ms), self._states.pinned(self.table))

    # -- bounds -----------------------------------------------------------------------------

    def _bound(self) -> None:
        held = self._buffer.bytes + self._in_flight_bytes
        self._metrics.buffered(self.table, held)
        limit = self._settings.stream_writer_buffer_bytes
        if not self._paused and held >= limit:
            self._paused = True
            self._partitions.pause(self._flowing)
        elif self._paused and held < limit // 2:
            self._paused = False
            self._partitions.resume(self._flowing)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _positions(outcome: Outcome) -> Positions:
    from shared.lake.recorded import recorded

    return recorded(outcome.metadata).positions or Positions()


def _reason(verdict: LogReplaced | LogTruncated) -> str:
    return "log_replaced" if isinstance(verdict, LogReplaced) else "log_truncated"


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, BerglineError) or error.retriable


def _bad_text(prepared: Prepared) -> str:
    topics = sorted({topic for topic, _ in prepared.work.batches})
    reasons = sorted({record.reason for record in prepared.bad})
    return (
        f"TooManyBadRecords: {len(prepared.bad)} of the last {prepared.rows.num_rows} records of "
        f"{', '.join(topics)} cannot be parsed ({', '.join(reasons)}). Nothing is lost, the topic "
        f"is not consumed further. Look at them with `bergline topics tail {topics[0]}`; to land "
        f"them as rows with _error: `bergline topics resume {topics[0]}`"
    )
