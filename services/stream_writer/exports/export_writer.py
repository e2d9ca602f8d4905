"""From one announcement to one committed snapshot: the rows of its file, or why there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from pydantic import ValidationError
from pyiceberg.manifest import DataFile

from services.stream_writer.buffer import Work
from services.stream_writer.exports.bad_export import BadExport
from services.stream_writer.exports.export_file import open_export
from services.stream_writer.exports.export_metrics import ExportMetrics
from services.stream_writer.exports.file_rows import Announced, refusal
from services.stream_writer.exports.limits import Limits
from services.stream_writer.exports.load import Load, open_load
from services.stream_writer.exports.loaded import Loaded
from services.stream_writer.landing import PositionsLost, cuts, last_tail
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.table_writer import TableWriter
from shared.contracts.exports import ExportReady
from shared.contracts.identity import uuid7
from shared.lake.announcements import KEY_ERRORS, KEY_ROWS
from shared.lake.commit import Append, Head, Outcome, Thinning
from shared.lake.file_io import DelayedOpenFileIO
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.loaded_export import KEY_EXPORT
from shared.runtime.export_places import NotAllowed, Place, Places
from shared.tables.spec import TableSpec


@dataclass(slots=True)
class Piece:
    """One announcement, or offsets without any, on the way into the table; tried until it is in.

    Attributes:
        work: one partition's offsets, with at most one record.
        refused: why its file cannot be loaded.
        load: its file, once it is open and its rows identified.
    """

    work: Work
    commit_id: str = field(default_factory=uuid7)
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    uri: str | None = None
    refused: BadExport | None = None
    load: Load | None = None
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def key(self) -> PartitionKey:
        """The partition."""
        [key] = self.work.batches
        return key

    @property
    def announced(self) -> Announced | None:
        """The record, if there is one."""
        records = self.work.records(self.key)
        if not len(records):
            return None
        return Announced(self.key[0], records[0], self.uri, self.loaded_at)

    @property
    def refusal(self) -> str:
        """Why the file was not loaded, as the snapshot holds it."""
        reason = "" if self.refused is None else self.refused.reason
        return msgspec.json.encode({"uri": self.uri, "refused": reason}).decode()

    @property
    def loaded(self) -> Loaded | None:
        """What became of the file, if it was loaded."""
        return None if self.load is None else self.load.loaded

    def close(self) -> None:
        """Let go of the file."""
        self.load = None
        self.stack.close()


class ExportWriter(TableWriter):
    """Commits to a landing table whose records announce files. Used by one thread at a time.

    Args:
        handle, spec, sweep_delay_s: as :class:`TableWriter` wants them.
        places: where files may be read from, whoever wrote the announcement.
        objects: the way to those that are objects.
        limits: what bounds a load.
        metrics: told of every file.
        patience_s, clock, sleep: as :class:`TableWriter` wants them.
    """

    def __init__(
        self,
        handle: TableHandle,
        spec: TableSpec,
        sweep_delay_s: float,
        places: Places,
        objects: DelayedOpenFileIO,
        limits: Limits,
        metrics: ExportMetrics | None = None,
        patience_s: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(handle, spec, sweep_delay_s, patience_s, clock, sleep)
        self.places = places
        self.objects = objects
        self.limits = limits
        self.metrics = metrics

    def warm_up(self) -> None:
        """Open the connection to the object store."""
        table = self.handle.load()
        table.io.new_input(table.metadata_location).exists()

    def open(self, piece: Piece, proceed: Callable[[], None]) -> None:
        """Read what is announced, identify the rows, write those that the table lacks.

        What cannot be loaded is noted in ``piece.refused``. May be called again after it raised.

        Raises:
            OSError: the file cannot be read now, or the store not be written to.
            Refused: the table cannot be read here.
            Whatever ``proceed`` raises.
        """
        announced = piece.announced
        if announced is None or piece.refused is not None:
            return
        try:
            if piece.load is None:
                piece.close()
                piece.stack = ExitStack()
                place = self._place(piece)
                # Of the record, now that its uri is known.
                announced = piece.announced or announced
                file = piece.stack.enter_context(
                    open_export(
                        place,
                        self.objects,
                        self.spec,
                        memory_bytes=self.limits.memory_bytes,
                        max_bytes=self.limits.max_bytes,
                    )
                )
                piece.load = open_load(
                    piece.stack, file, self.spec, announced, self.limits, proceed
                )
            else:
                # What kept it from being read or written may be that it is gone.
                piece.load.require_unchanged()
            piece.load.look_up(self.handle, self.handle.reload().current_snapshot())
            piece.load.files(self.handle)
        except BadExport as bad:
            piece.refused = bad
            piece.close()
        except OSError:
            self.handle.renew()
            raise

    def land(self, piece: Piece, thinning: Thinning | None) -> Outcome:
        """Commit an opened piece; of its rows those that the asserted head lacks.

        Raises:
            PartitionsBehind, PositionsLost, Unavailable, Refused, NotFound: as
                :meth:`~services.stream_writer.table_writer.TableWriter.write`.
            BadExport: the file was changed meanwhile; nothing was committed.
        """
        refused: list[DataFile] | None = None

        def on(head: Head, may_reuse_files: bool) -> Append | None:
            nonlocal refused
            positions = head.recorded.positions
            if positions is None:
                raise PositionsLost(self.spec.name)
            starts = cuts(piece.work, positions, self.first_seen, piece.work.adoptions)
            if not starts:
                return None
            files: list[DataFile] = []
            rows = errors = loaded = 0
            summary = {}
            if piece.load is not None:
                piece.load.look_up(self.handle, head.snapshot)
                files = piece.load.files(self.handle, anew=not may_reuse_files)
                found = piece.load.loaded
                loaded, errors = found.inserted, found.bad
                summary[KEY_EXPORT] = found.to_summary()
            elif (announced := piece.announced) is not None:
                if refused is None or not may_reuse_files:
                    refused = self._refusal(piece, announced)
                files, rows, errors = refused, 1, 1
                summary[KEY_EXPORT] = piece.refusal
            records = piece.work.records(piece.key)
            moved = positions.advance(
                *piece.key,
                start=starts[piece.key],
                end=piece.work.span(piece.key)[1],
                rows=rows,
                errors=errors,
                tail=last_tail(records),
                files=int(piece.load is not None),
                loaded=loaded,
            )
            summary |= {KEY_ROWS: str(rows + loaded), KEY_ERRORS: str(errors)}
            return Append(files, moved, summary)

        return self._commit(on, piece.work, piece.commit_id, thinning)

    def _place(self, piece: Piece) -> Place:
        """Raises BadExport: the record is no announcement, or its place is not allowed."""
        [record] = piece.work.records(piece.key)
        try:
            ready = ExportReady.decode(record.value or b"")
        except ValidationError as error:
            detail = f"the record is no {ExportReady.type} ({error.error_count()} faults)"
            raise BadExport("invalid_announcement", detail) from None
        piece.uri = ready.uri
        try:
            return self.places.place(ready.uri)
        except NotAllowed as error:
            raise BadExport("not_allowed", str(error)) from None

    def _refusal(self, piece: Piece, announced: Announced) -> list[DataFile]:
        reason = "" if piece.refused is None else piece.refused.reason
        row = refusal(self.spec, announced, reason)
        day = piece.loaded_at.date() if self.spec.partition_by else None
        try:
            return [write_data_file(self.handle.table, row, day)]
        except OSError:
            self.handle.renew()
            raise
