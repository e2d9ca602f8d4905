"""Commit announcements one after the other: a file is one snapshot, however long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog

from services.stream_writer.bad_share import TOO_MANY_BAD
from services.stream_writer.buffer import Work
from services.stream_writer.committing import LONGEST_RETRY_S, RETRY_S, Committer, may_pass
from services.stream_writer.exports.bad_export import Abandoned, BadExport
from services.stream_writer.exports.export_writer import ExportWriter, Piece
from services.stream_writer.landing import PartitionsBehind, PositionsLost
from services.stream_writer.parsing.rows import BadRecord
from services.stream_writer.partition_board import Stop
from services.stream_writer.preparing import Prepared
from shared.lake.commit import Outcome, Result
from shared.lake.log_identity import positions_lost_text

if TYPE_CHECKING:
    import pyarrow as pa

log = structlog.stdlib.get_logger("bergline.stream_writer")

BAD_ROWS = "bad_rows"
"""Why a file that was loaded is a dead letter: some of its rows have errors."""


def pieces(work: Work) -> Iterator[Piece]:
    """A piece of work for each record, in order; the last one goes on to the end of the offsets."""
    for key in sorted(work.batches):
        batches = work.batches[key]
        records = list(work.records(key))
        start, end = work.span(key)
        for number, record in enumerate(records or [None]):
            last = number >= len(records) - 1
            part = replace(
                batches[-1],
                start=start,
                end=end if last or record is None else record.offset + 1,
                records=[] if record is None else [record],
            )
            start = part.end
            yield Piece(Work({key: [part]}, rows=len(part.records), adoptions=work.adoptions))


class ExportCommitter(Committer):
    """Commits announcements of one table, in the background."""

    async def _commit(self, work: Work, generation: int) -> None:
        for piece in pieces(work):
            try:
                goes_on = await self._commit_piece(piece, work, generation)
            except Exception:
                piece.close()
                raise
            # Not when this is cancelled: the table's thread is still in it until it proceeds.
            piece.close()
            if not goes_on:
                return

    async def _commit_piece(self, piece: Piece, work: Work, generation: int) -> bool:
        """Whether the next piece may follow."""
        ours, loop = self._ours, asyncio.get_running_loop()
        writer = cast("ExportWriter", self._writer)
        cancelled = False
        admitted = announced = False
        pause = RETRY_S

        def proceed() -> None:
            """Called in the table's thread."""
            if cancelled or generation != ours.generation:
                raise Abandoned

        while generation == ours.generation:
            began = loop.time()
            try:
                await self._thread.run(partial(writer.open, piece, proceed))
                if not admitted and not self._admit(piece):
                    ours.stop(
                        work.batches,
                        Stop(
                            TOO_MANY_BAD, _bad_text(piece), f"bergline topics resume {piece.key[0]}"
                        ),
                    )
                    return False
                admitted = True
                if not announced:
                    await self._tell(piece)
                    announced = True
                outcome = await self._thread.run(partial(writer.land, piece, self._thinning()))
            except Abandoned:
                return False
            except asyncio.CancelledError:
                cancelled = True
                raise
            except BadExport as bad:
                # Changed while the commit was tried: then it is told as what it is.
                piece.refused, announced = bad, False
                piece.close()
                continue
            except PartitionsBehind:
                ours.read_again(work.batches, "the table stands behind what was read")
                return False
            except PositionsLost:
                ours.stop(work.batches, Stop("positions_lost", positions_lost_text(ours.table)))
                return False
            except Exception as error:  # noqa: BLE001 - kept and tried again until it is known
                self._metrics.error("unavailable" if may_pass(error) else "refused", "sending")
                self._metrics.outcome(ours.table, "failed")
                self._outage.failed(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_S)
                continue
            self._outage.over()
            self._told(piece, outcome, loop.time() - began)
            await self._moved(piece.work, outcome)
            return True
        return False

    def _admit(self, piece: Piece) -> bool:
        """Records that are no announcements stop the table, as those of any other do."""
        if piece.announced is None:
            return True
        invalid = piece.refused is not None and piece.refused.reason == "invalid_announcement"
        return self._gate.admit(1, int(invalid))

    async def _tell(self, piece: Piece) -> None:
        """Announce what cannot be loaded, before it is committed as rows."""
        loaded = piece.loaded
        if piece.refused is not None:
            reason, detail = piece.refused.reason, piece.refused.detail
        elif loaded is not None and loaded.bad:
            reason = BAD_ROWS
            detail = f"{loaded.bad} of {loaded.rows} rows are landed with _error"
        else:
            return
        log.warning(
            "export refused" if piece.refused is not None else "export has rows with errors",
            table=self._ours.table,
            uri=piece.uri,
            reason=reason,
            detail=detail,
        )
        await self._dead_letters.announce(_letter(piece, reason, detail))

    def _told(self, piece: Piece, outcome: Outcome, seconds: float) -> None:
        table, loaded = self._ours.table, piece.loaded
        self._metrics.outcome(table, "covered" if outcome.result is Result.NOTHING else "committed")
        if outcome.result is Result.NOTHING or piece.announced is None:
            return
        if loaded is not None:
            log.info(
                "export loaded",
                table=table,
                uri=loaded.uri,
                rows=loaded.rows,
                inserted=loaded.inserted,
                present=loaded.present,
                repeated=loaded.repeated,
                bad=loaded.bad,
                drifted=loaded.drifted,
                seconds=round(seconds, 3),
            )
        metrics = cast("ExportWriter", self._writer).metrics
        if metrics is not None:
            metrics.committed(table, loaded, seconds)


def _letter(piece: Piece, reason: str, detail: str) -> Prepared:
    """What the sink of dead letters takes: the announcement as a bad record."""
    no_rows = cast("pa.Table", None)
    bad = [BadRecord(0, reason, detail)]
    return Prepared(
        piece.work, piece.commit_id, piece.loaded_at, no_rows, {piece.key: (0, 1)}, bad, 0, 0
    )


def _bad_text(piece: Piece) -> str:
    topic = piece.key[0]
    return (
        f"TooManyBadRecords: too many of the last records of {topic} announce no export. Nothing "
        f"is lost, the topic is not consumed further. Look at them with `bergline topics tail "
        f"{topic}`; to land them as rows with _error: `bergline topics resume {topic}`"
    )
