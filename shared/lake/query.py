"""SQL over tables: DuckDB on the Parquet files of pinned snapshots.

Every table named in the SQL is pinned to one snapshot for the whole query and becomes a view
under its logical name. Columns are found by Iceberg field id, as the specification asks, so
renamed and added columns read right; position deletes are applied by an anti-join. DuckDB pushes
projections and filters into the files, streams, and spills to disk beyond its memory limit. It
may touch nothing but these files: no other file, no network, no extension, no setting.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from shared.lake.apart import Apart
from shared.lake.history import as_of
from shared.lake.reader import LakeReader, reachable
from shared.lake.snapshot_files import SnapshotFiles
from shared.lake.snapshot_views import view
from shared.lake.table_state import TableState
from shared.runtime.errors import BerglineError, ConfigurationError, NotFound, Refused
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES

MEMORY_LIMIT = "1GiB"
SPILL_LIMIT = "8GiB"
BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Pin:
    """Which version of a table is read; the head when neither is given."""

    snapshot_id: int | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of a query, streamed.

    Attributes:
        columns: their names.
        batches: the rows; valid inside the ``with`` block only.
        snapshots: the snapshot of every table that was read, ``None`` for one without snapshots.
    """

    columns: tuple[str, ...]
    batches: Iterator[pa.RecordBatch]
    snapshots: Mapping[str, int | None]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Rows as Python values, at most one batch in memory."""
        for batch in self.batches:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def tables_named(sql: str) -> list[str]:
    """Declared tables whose qualified name occurs in the text.

    Generous on purpose: a name in a comment only costs that its metadata is loaded.
    """
    text = re.sub(r"\s*\.\s*", ".", sql.replace('"', "").lower())
    return [name for name in TABLES if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)]


@contextmanager
def query(
    lake: LakeReader,
    sql: str,
    *,
    pins: Mapping[str, Pin] | None = None,
    everywhere: Pin | None = None,
    parameters: Sequence[Any] = (),
    row_filter: BooleanExpression | None = None,
    threads: int | None = None,
) -> Iterator[Result]:
    """Run one read-only statement.

    Args:
        lake: where the tables are.
        sql: one SELECT (or DESCRIBE, SUMMARIZE, EXPLAIN); tables as ``namespace.table``.
        pins: version of single tables.
        everywhere: version of all others.
        parameters: values for ``?`` in the statement.
        row_filter: files that cannot hold a matching row are not read at all; the statement
            repeats the condition. Applies to every table named.
        threads: that DuckDB computes with; all cores when not said.

    Raises:
        ConfigurationError: the statement cannot be run as it is written.
        Refused: it does more than read, or a table has files that cannot be read here.
        NotFound: a table or version does not exist.
        Unavailable: catalog or object store do not answer.
    """
    pins = pins or {}
    names = tables_named(sql)
    for name in pins:
        if name not in names:
            raise ConfigurationError(f"a version of {name} is given, but the SQL does not read it")
    with ExitStack() as stack:
        spill = stack.enter_context(tempfile.TemporaryDirectory(prefix="bergline-query-"))
        session = stack.enter_context(_session(spill, threads))
        _require_reading(session, sql)
        files = SnapshotFiles(("s3", "s3a", "file", "gs", "abfss"))
        snapshots: dict[str, int | None] = {}
        views: list[tuple[str, str]] = []
        for name in names:
            table = lake.table(name)
            pin = pins.get(name, everywhere or Pin())
            snapshots[name] = resolve(name, table, pin)
            with reachable(lake.settings):
                body = view(name, table, snapshots[name], row_filter, files)
            views.append((name, body))
        session.register_filesystem(files)
        for name, body in views:
            namespace = name.partition(".")[0]
            session.execute(f"create schema if not exists {namespace}")
            session.execute(f"create view {name} as {body}")
        session.execute("set allowed_paths = $paths", {"paths": files.paths})
        session.execute(f"set allowed_directories = ['{spill}']")
        session.execute("set enable_external_access = false")
        session.execute("set lock_configuration = true")
        apart = stack.enter_context(Apart(session.interrupt))
        with reachable(lake.settings), _explained(sql, files):
            reader = apart.run(
                lambda: session.execute(sql, list(parameters)).to_arrow_reader(BATCH_ROWS)
            )
        # Outside of that block: an error of the caller, say a closed pipe, is not the store's.
        batches = _guarded(reader, apart, sql, files, lake.settings)
        yield Result(tuple(reader.schema.names), batches, snapshots)


def resolve(name: str, table: Table, pin: Pin) -> int | None:
    """The snapshot that a pin means; ``None`` for the head of a table without snapshots.

    Raises:
        NotFound: that version is not (or no longer) retained.
    """
    metadata = table.metadata
    if pin.snapshot_id is not None:
        if metadata.snapshot_by_id(pin.snapshot_id) is None:
            raise NotFound(
                f"table {name} has no snapshot {pin.snapshot_id}",
                f"`bergline tables history {name}` shows those that are retained",
            )
        return pin.snapshot_id
    if pin.as_of is not None:
        version = as_of(TableState.of(metadata), pin.as_of)
        if version is None:
            raise NotFound(
                f"table {name} has no retained version of {pin.as_of.isoformat()} or before",
                f"`bergline tables history {name}` shows the oldest",
            )
        return version.snapshot_id
    return metadata.current_snapshot_id


def _guarded(
    reader: pa.RecordBatchReader, apart: Apart, sql: str, files: SnapshotFiles, settings: Settings
) -> Iterator[pa.RecordBatch]:
    with reachable(settings), _explained(sql, files):
        while (batch := apart.run(lambda: next(reader, None))) is not None:
            yield batch


@contextmanager
def _session(spill: str, threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    session = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": spill,
            "max_temp_directory_size": SPILL_LIMIT,
            "python_enable_replacements": "false",
            **({} if threads is None else {"threads": threads}),
        },
    )
    try:
        session.execute("set TimeZone = 'UTC'")
        yield session
    finally:
        session.close()


def _require_reading(session: duckdb.DuckDBPyConnection, sql: str) -> None:
    with _explained(sql):
        statements = session.extract_statements(sql)
    if len(statements) != 1:
        raise ConfigurationError(
            f"the SQL has {len(statements)} statements", "give exactly one statement"
        )
    if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise Refused(
            f"{statements[0].type.name} is not a query; tables are read only here",
            "use a SELECT; services and `bergline` commands are the only writers",
        )


@contextmanager
def _explained(sql: str, files: SnapshotFiles | None = None) -> Iterator[None]:
    """Turn DuckDB's errors into ours; while rows are streamed, Arrow passes on only their text."""
    try:
        yield
    except (duckdb.InternalException, duckdb.FatalException):
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if files is not None and files.failure is not None:
            raise files.failure from error
        raise _explanation(error, sql) from error


def _explanation(error: Exception, sql: str) -> BerglineError:
    if isinstance(error, duckdb.CatalogException):
        tables = f"tables are: {', '.join(sorted(TABLES))}"
        return NotFound(f"the SQL names something unknown: {error}", tables)
    if isinstance(error, duckdb.PermissionException):
        return Refused(f"only tables may be read: {error}")
    if "Out of Memory Error" in str(error):
        return Refused(
            f"the query needs more than {MEMORY_LIMIT} of memory and {SPILL_LIMIT} of disk",
            "read fewer columns or rows, or use an engine of your own on the catalog",
        )
    return ConfigurationError(f"the SQL cannot be run: {error}", f"in: {sql}")
