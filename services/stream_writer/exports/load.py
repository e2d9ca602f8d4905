"""One file on its way into the table: which of its rows the table lacks, and files made of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import structlog
from pyiceberg.manifest import DataFile

from services.stream_writer.exports.bad_export import BadExport
from services.stream_writer.exports.export_file import ExportFile
from services.stream_writer.exports.file_rows import Announced, identify, loading_of, rows
from services.stream_writer.exports.identities import Identities
from shared.lake.data_files import write_row_groups
from shared.lake.handle import TableHandle
from shared.lake.landing_files import landing_place
from shared.lake.present_ids import Reach, present_ids
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.table_state import SnapshotEntry
from shared.tables.spec import TableSpec

log = structlog.stdlib.get_logger("bergline.stream_writer")

TARGET_BYTES = 128 * 2**20
"""A data file of that size is full."""
_NONE = LiveFiles({}, {})


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a load.

    Attributes:
        memory_bytes: about how much of a file is in memory at most.
        max_bytes: largest file.
        bad_share: share of bad rows above which a file is refused as a whole.
        bad_minimum: fewest bad rows for that.
    """

    memory_bytes: int = 64 * 2**20
    max_bytes: int = 20 * 2**30
    bad_share: float = 0.5
    bad_minimum: int = 100


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file: ``rows = inserted + present + repeated``.

    Attributes:
        uri: where it is.
        rows: rows of the file.
        inserted: those that the table lacked.
        present: those that the table had.
        repeated: those whose id an earlier row of the file has.
        bad: inserted ones with an error.
        drifted: inserted ones with a value that did not fit its column.
    """

    uri: str
    rows: int = 0
    inserted: int = 0
    present: int = 0
    repeated: int = 0
    bad: int = 0
    drifted: int = 0

    def to_summary(self) -> str:
        """As the snapshot holds it."""
        return msgspec.json.encode(asdict(self)).decode()


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


@contextmanager
def understanding() -> Iterator[None]:
    """What a value leads to that nobody thought of, as the file's fault: others wait behind it.

    The table's thread would else meet it again and again. What is told holds no value.
    """
    try:
        yield
    except (BadExport, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is
        kind = type(error).__name__
        log.error("export not understood", error=kind, at=_places(error))  # noqa: TRY400 - values
        raise BadExport("not_understood", f"a row is not understood ({kind})") from None


def _places(error: Exception) -> list[str]:
    """Where it happened: a traceback without what Python says of values."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in frames]


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
