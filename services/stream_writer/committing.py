"""Commit what is buffered of one table: when it is due, until it is known to have landed."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import structlog

from services.stream_writer.bad_share import TOO_MANY_BAD, BadShareGate
from services.stream_writer.buffer import Work
from services.stream_writer.commit_pace import CommitPace
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.landing import PartitionsBehind, PositionsLost
from services.stream_writer.partition_board import Stop
from services.stream_writer.partitions import Partitions
from services.stream_writer.preparing import Prepared
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_partitions import TablePartitions
from services.stream_writer.table_thread import TableThread
from services.stream_writer.table_writer import TableWriter
from shared.lake.commit import Outcome, Result, Thinning
from shared.lake.log_identity import positions_lost_text
from shared.lake.outbox import Outbox
from shared.lake.positions import Positions
from shared.lake.recorded import recorded
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import BerglineError
from shared.runtime.outage import Outage
from shared.runtime.table_states import TableStates

log = structlog.stdlib.get_logger("bergline.stream_writer")

RETRY_S = 0.5
LONGEST_RETRY_S = 5.0


class Committer:
    """Commits the buffered rows of one table, in the background."""

    def __init__(
        self,
        ours: TablePartitions,
        writer: TableWriter,
        thread: TableThread,
        broker: Partitions,
        settings: StreamWriterSettings,
        states: TableStates,
        outbox: Outbox,
        dead_letters: DeadLetterSink,
        gate: BadShareGate,
        metrics: StreamMetrics,
    ) -> None:
        self._ours = ours
        self._writer = writer
        self._thread = thread
        self._broker = broker
        self._settings = settings
        self._states = states
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._gate = gate
        self._metrics = metrics
        self._outage = Outage(log, "commit tried again", table=ours.table)
        self._draining = False
        self._uuid = ""
        self.pace = CommitPace(settings.stream_writer_max_age_s)

    def drain(self) -> None:
        """From now on commit at once."""
        self._draining = True
        self._ours.changed.set()

    async def run(self) -> None:
        """Commit whenever it is due, until cancelled."""
        while True:
            await self._until_due()
            work = self._ours.begin_commit()
            # While it is on its way its partitions may be settled anew, upon a statement.
            work.adoptions = dict(self._writer.adoptions)
            try:
                await self._commit(work, self._ours.generation)
            except Exception as error:
                # A fault of ours. Nothing is lost: the table says where reading goes on.
                log.exception("commit failed", table=self._ours.table)
                self._metrics.error("internal", "processing")
                self._ours.stop(work.batches, Stop("internal_error", _fault_text(work, error)))
            finally:
                self._ours.end_commit()

    async def _until_due(self) -> None:
        ours, settings = self._ours, self._settings
        loop = asyncio.get_running_loop()
        while True:
            ours.changed.clear()
            buffer = ours.buffer
            if buffer:
                left = (buffer.oldest or 0.0) + self.pace.interval_s - loop.time()
                if (
                    self._draining
                    or ours.full
                    or left <= 0
                    or buffer.rows >= settings.stream_writer_max_rows
                    or buffer.bytes >= settings.stream_writer_max_bytes
                ):
                    return
                # Not wait_for: before Python 3.12 it may swallow the cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await ours.changed.wait()
            else:
                ours.idle.set()
                await ours.changed.wait()

    async def _commit(self, work: Work, generation: int) -> None:
        ours, loop = self._ours, asyncio.get_running_loop()
        prepared = await self._thread.run(partial(self._writer.prepare, work))
        if generation != ours.generation:
            return
        if not self._gate.admit(prepared.rows.num_rows, len(prepared.bad)):
            topic = min(topic for topic, _ in work.batches)
            command = f"bergline topics resume {topic}"
            ours.stop(work.batches, Stop(TOO_MANY_BAD, _bad_text(prepared), command))
            return
        announced = False
        pause = RETRY_S
        while generation == ours.generation:
            try:
                if not announced:
                    await self._dead_letters.announce(prepared)
                    announced = True
                began = loop.time()
                outcome = await self._thread.run(
                    partial(self._writer.write, prepared, self._thinning())
                )
            except PartitionsBehind:
                # Nothing of the work was committed, so all of its partitions are read again.
                ours.read_again(work.batches, "the table stands behind what was read")
                return
            except PositionsLost:
                ours.stop(work.batches, Stop("positions_lost", positions_lost_text(ours.table)))
                return
            except Exception as error:  # noqa: BLE001 - kept and tried again until it is known
                kind = "unavailable" if may_pass(error) else "refused"
                self._metrics.error(kind, "sending")
                self._metrics.outcome(ours.table, "failed")
                self._outage.failed(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_S)
                continue
            self._outage.over()
            await self._committed(prepared, outcome, loop.time() - began)
            return

    async def _committed(self, prepared: Prepared, outcome: Outcome, seconds: float) -> None:
        self.pace.note(seconds)
        self._metrics.committed(self._ours.table, prepared, outcome, seconds)
        await self._moved(prepared.work, outcome)

    async def _moved(self, work: Work, outcome: Outcome) -> None:
        """The table has a new snapshot, or had it before: tell of it, and of the positions."""
        self._uuid = outcome.state.table_uuid
        if outcome.result is not Result.NOTHING:
            self._outbox.committed(outcome.state)
        positions = recorded(outcome.state).positions or Positions()
        offsets = {
            key: offset
            for key in self._ours.keys.intersection(work.batches)
            if (offset := positions.next_offset(*key)) is not None
        }
        self._metrics.positions(self._ours.table, offsets)
        self._broker.commit(offsets)
        if self._writer.sweeper.due():
            await self._thread.run(self._sweep)

    def _sweep(self) -> None:
        try:
            self._writer.sweep()
        except Exception as error:  # noqa: BLE001 - housekeeping: the rows are committed
            log.info("removed snapshots not swept yet", table=self._ours.table, error=str(error))

    def _thinning(self) -> Thinning | None:
        if not self._states.reader.caught_up.is_set():
            return None  # what readers have recorded is not known yet
        table, dense_s = self._ours.table, self._settings.stream_writer_dense_s
        return Thinning(
            ThinningPolicy(dense_ms=int(dense_s * 1000)),
            self._states.pinned(table),
            self._states.announced(table, self._uuid),
        )


def may_pass(error: Exception) -> bool:
    """Whether an error may be gone when it is tried again."""
    return not isinstance(error, BerglineError) or error.retriable


def _fault_text(work: Work, error: Exception) -> str:
    ranges = ", ".join(
        f"{topic}/{number} [{first}, {end})"
        for topic, number in sorted(work.batches)
        for first, end in [work.span((topic, number))]
    )
    return (
        f"InternalError: {type(error).__name__} while landing {ranges}. Nothing is lost; it is "
        f"tried again every few seconds. The log of stream_writer holds the traceback: please "
        f"report it"
    )


def _bad_text(prepared: Prepared) -> str:
    topics = sorted({topic for topic, _ in prepared.work.batches})
    reasons = sorted({record.reason for record in prepared.bad})
    return (
        f"TooManyBadRecords: {len(prepared.bad)} of the last {prepared.rows.num_rows} records of "
        f"{', '.join(topics)} cannot be parsed ({', '.join(reasons)}). Nothing is lost, the topic "
        f"is not consumed further. Look at them with `bergline topics tail {topics[0]}`; to land "
        f"them as rows with _error: `bergline topics resume {topics[0]}`"
    )
