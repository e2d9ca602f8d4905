"""One file on its way into the table: which of its rows the table lacks, and files made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pyarrow as pa
from pyiceberg.manifest import DataFile

from services.stream_writer.exports.bad_export import BadExport
from services.stream_writer.exports.export_file import ExportFile
from services.stream_writer.exports.file_rows import Announced, identify, loading_of, rows
from services.stream_writer.exports.identities import Identities
from services.stream_writer.exports.limits import Limits
from services.stream_writer.exports.loaded import Loaded
from services.stream_writer.exports.understanding import understanding
from shared.lake.data_files import write_row_groups
from shared.lake.handle import TableHandle
from shared.lake.landing_files import landing_place
from shared.lake.present_ids import Reach, present_ids
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.table_state import SnapshotEntry
from shared.tables.spec import TableSpec

TARGET_BYTES = 128 * 2**20
"""A data file of that size is full."""
_NONE = LiveFiles({}, {})


class Load:
    """Of an open file; used by one thread.

    Args:
        file: the open file.
        spec: the table.
        announced: its announcement.
        limits: what bounds it.
        proceed: called every few thousand rows; what it raises ends the load.
    """

    def __init__(
        self,
        file: ExportFile,
        spec: TableSpec,
        announced: Announced,
        limits: Limits,
        proceed: Callable[[], None],
    ) -> None:
        self._file = file
        self._spec = spec
        self._announced = announced
        self._limits = limits
        self._proceed = proceed
        self._ids = Identities(limits.memory_bytes // 2)
        self._reach = Reach()
        self._looked: set[str] = set()
        self._written: list[DataFile] | None = None
        self._bad = self._drifted = 0

    def close(self) -> None:
        """Let go of what the ids took."""
        self._ids.close()

    @property
    def loaded(self) -> Loaded:
        """What becomes of the file, as far as it is known."""
        return Loaded(
            self._announced.uri or "",
            self._ids.rows,
            len(self._ids),
            self._ids.present,
            self._ids.repeated,
            self._bad,
            self._drifted,
        )

    def require_unchanged(self) -> None:
        """Raises BadExport, OSError: as :meth:`ExportFile.require_unchanged`."""
        self._file.require_unchanged()

    def identify(self) -> None:
        """Tell every row's id; once.

        Raises:
            BadExport: the file is damaged, or most of its rows are.
            OSError: it cannot be read now.
        """
        identity = loading_of(self._spec).identity
        # What a bad row holds is part of its id, so all columns are read where there may be one.
        plain = all(self._file.nulls_in(name) == 0 for name in identity)
        bad = self._identify(identity if plain else None)
        if plain and bad:
            self._ids.close()
            self._ids, self._reach = Identities(self._limits.memory_bytes // 2), Reach()
            bad = self._identify(None)
        limits = self._limits
        if bad >= limits.bad_minimum and bad > limits.bad_share * self._file.rows:
            raise BadExport(
                "too_many_bad_rows",
                f"{bad} of {self._file.rows} rows lack their identity, {', '.join(identity)}",
            )

    def look_up(self, handle: TableHandle, snapshot: SnapshotEntry | None) -> None:
        """Leave out what a snapshot has, as far as its files were not looked at before.

        Raises:
            OSError: the object store does not answer.
            Refused: the table has files that cannot be read here.
        """
        table = handle.table
        live = _NONE if snapshot is None else live_files(table, snapshot)
        new = [path for path in live.data if path not in self._looked]
        before = len(self._ids)
        for ids in present_ids(table, self._spec, live, new, self._reach, self._proceed):
            self._ids.exclude(ids)
        self._looked.update(new)
        if len(self._ids) != before:
            self._written = None

    def files(self, handle: TableHandle, *, anew: bool = False) -> list[DataFile]:
        """Data files with the rows that the table lacks, written when they are not there yet.

        Raises:
            BadExport: the file is damaged, or changed while it was read.
            OSError: it cannot be read, or the store does not take them.
        """
        if self._written is None or anew:
            self._bad = self._drifted = 0
            day = self._announced.loaded_at.date()
            table = handle.table
            place = landing_place(table, day if self._spec.partition_by else None)
            groups = self._groups()
            written = write_row_groups(table, place, groups, target_bytes=TARGET_BYTES)
            self._file.require_unchanged()
            self._written = written
        return self._written

    def _identify(self, columns: tuple[str, ...] | None) -> int:
        bad = 0
        for group in range(self._file.groups):
            for batch in self._file.batches(group, columns):
                self._proceed()
                with understanding():
                    found = identify(self._spec, batch)
                if columns is not None and found.bad:
                    return len(found.bad)
                bad += len(found.bad)
                self._reach.add(found.moments)
                self._ids.add(found.ids)
        return bad

    def _groups(self) -> Iterator[pa.Table]:
        """Rows that are wanted, as many at a time as memory allows."""
        held: list[pa.Table] = []
        size, most = 0, self._limits.memory_bytes // 4
        for batch in self._wanted():
            with understanding():
                made = rows(self._spec, self._announced, batch)
            self._bad += made.bad
            self._drifted += made.drifted
            held.append(made.table)
            size += made.table.nbytes
            if size >= most:
                yield pa.concat_tables(held)
                held, size = [], 0
        if held:
            yield pa.concat_tables(held)

    def _wanted(self) -> Iterator[pa.RecordBatch]:
        wanted = self._ids.wanted()
        following = next(wanted, None)
        first = 0
        for group in range(self._file.groups):
            end = first + self._file.rows_in(group)
            if following is None:
                return
            if following >= end:
                first = end
                continue
            for batch in self._file.batches(group):
                self._proceed()
                chosen = []
                while following is not None and following < first + batch.num_rows:
                    chosen.append(following - first)
                    following = next(wanted, None)
                first += batch.num_rows
                if len(chosen) == batch.num_rows:
                    yield batch
                elif chosen:
                    yield batch.take(pa.array(chosen, pa.int64()))


def open_load(
    stack: ExitStack,
    file: ExportFile,
    spec: TableSpec,
    announced: Announced,
    limits: Limits,
    proceed: Callable[[], None],
) -> Load:
    """A load that ends with ``stack``, its rows identified; raises as :meth:`Load.identify`."""
    load = Load(file, spec, announced, limits, proceed)
    stack.callback(load.close)
    load.identify()
    return load
