"""All rows of a table, mostly of its head, at a price that fits very many very small files.

PyIceberg tells the head and reads its manifests; rows are read with Arrow, columns by their ids,
without those that position deletes name. Nothing of the lake's own readers takes part. Manifests
and files are never changed once written, so each is read once, however often a table is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from shared.runtime.errors import CheckFailed

_ID = b"PARQUET:field_id"


@dataclass(slots=True)
class _Read:
    """What was read of one table and is part of the version read last.

    Attributes:
        schema: of the rows, field ids in its metadata.
        listed: live files by path of their manifest.
        rows: by path of the file.
        deletes: path of a data file and position of a row, by path of the file that says so.
    """

    schema: pa.Schema
    listed: dict[str, Sequence[DataFile]] = field(default_factory=dict)
    rows: dict[str, pa.Table] = field(default_factory=dict)
    deletes: dict[str, pa.Table] = field(default_factory=dict)


class HeadRows:
    """Reads tables; used by one thread at a time."""

    def __init__(self) -> None:
        self._read: dict[str, _Read] = {}

    def of(self, table: Table, snapshot: Snapshot | None = None) -> pa.Table:
        """The rows of a table as it was loaded, in columns of its present schema.

        Args:
            table: is read at its head.
            snapshot: another version of it to read; those that share files are asked for in turn.

        Raises:
            CheckFailed: it has equality deletes, or files that are not Parquet.
        """
        uuid, schema = str(table.metadata.table_uuid), schema_to_pyarrow(table.schema())
        before, now = self._read.get(uuid), _Read(schema)
        if before is None or not before.schema.equals(schema, check_metadata=True):
            before = _Read(schema)
        self._read[uuid] = now
        chosen = snapshot or table.current_snapshot()
        for manifest in () if chosen is None else chosen.manifests(table.io):
            path = manifest.manifest_path
            now.listed[path] = before.listed.get(path) or [
                entry.data_file for entry in manifest.fetch_manifest_entry(table.io)
            ]
        for file in (each for files in now.listed.values() for each in files):
            path = file.file_path
            if file.file_format != FileFormat.PARQUET:
                raise CheckFailed(f"{path} is not Parquet", "read it with another engine")
            if file.content == DataFileContent.DATA:
                found = before.rows.get(path)
                now.rows[path] = _rows(table.io, path, schema) if found is None else found
            elif file.content == DataFileContent.POSITION_DELETES:
                found = before.deletes.get(path)
                now.deletes[path] = _parquet(table.io, path) if found is None else found
            else:
                raise CheckFailed(f"{path} holds equality deletes", "read it with another engine")
        deleted = _by_file(now.deletes.values())
        kept = (_without(rows, deleted.get(path)) for path, rows in now.rows.items())
        return pa.concat_tables([schema.empty_table(), *kept])


def _parquet(io: FileIO, path: str) -> pa.Table:
    """A whole file in one go, which costs less than its parts as long as it is small."""
    with io.new_input(path).open() as file:
        content = file.read()
    return pq.ParquetFile(pa.BufferReader(content)).read()


def _rows(io: FileIO, path: str, schema: pa.Schema) -> pa.Table:
    found = _parquet(io, path)
    places = {(each.metadata or {}).get(_ID): at for at, each in enumerate(found.schema)}
    columns = []
    for wanted in schema:
        at = places.get(wanted.metadata[_ID])
        if at is None:
            columns.append(pa.nulls(found.num_rows, wanted.type))
        else:
            columns.append(found.column(at).cast(wanted.type))
    return pa.table(columns, schema=schema)


def _by_file(deletes: Iterable[pa.Table]) -> dict[str, list[int]]:
    """Positions that are deleted, by path of the data file."""
    found: dict[str, list[int]] = defaultdict(list)
    for each in deletes:
        for path, position in zip(
            each["file_path"].to_pylist(), each["pos"].to_pylist(), strict=True
        ):
            found[path].append(position)
    return found


def _without(rows: pa.Table, positions: Sequence[int] | None) -> pa.Table:
    if not positions:
        return rows
    places = pa.array(range(rows.num_rows), pa.int64())
    return rows.filter(pc.invert(pc.is_in(places, pa.array(positions, pa.int64()))))
