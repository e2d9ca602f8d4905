"""One snapshot of a table as a SELECT that DuckDB runs over its Parquet files.

Columns are found by Iceberg field id, as the specification asks ("Column Projection"), so renamed
and added columns read right. Position deletes are applied by an anti-join on file and row number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from shared.lake.snapshot_files import SnapshotFiles
from shared.runtime.errors import Refused

_OTHER_ENGINE = "use an engine of your own on the catalog, or compact the table first"
_PRIMITIVE = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "string": "VARCHAR",
    "uuid": "UUID",
    "binary": "BLOB",
}


def view(
    name: str,
    table: Table,
    snapshot_id: int | None,
    row_filter: BooleanExpression | None,
    files: SnapshotFiles,
) -> str:
    """SELECT over one snapshot of a table; its files are made known to ``files``.

    Args:
        name: logical name, for messages.
        table: the table.
        snapshot_id: the snapshot, ``None`` for a table without any.
        row_filter: files that cannot hold a matching row are left out.
        files: where DuckDB will find the files.

    Raises:
        Refused: the table has files or columns that cannot be read here.
    """
    schema = _schema(table, snapshot_id)
    types = {field.name: _duckdb_type(name, field) for field in schema.fields}
    columns = ", ".join(_quoted(column) for column in types)
    data: list[str] = []
    deletes: dict[str, DataFile] = {}
    if snapshot_id is not None:
        scan = table.scan(row_filter=row_filter or AlwaysTrue(), snapshot_id=snapshot_id)
        try:
            tasks = list(scan.plan_files())
        except ValueError as error:  # equality deletes: PyIceberg does not read them
            raise Refused(f"table {name} cannot be read here: {error}", _OTHER_ENGINE) from error
        for task in tasks:
            _require_parquet(name, task.file)
            files.add(task.file.file_path, task.file.file_size_in_bytes, table.io)
            data.append(task.file.file_path)
            for delete in task.delete_files:
                _require_parquet(name, delete)
                deletes[delete.file_path] = delete
                files.add(delete.file_path, delete.file_size_in_bytes, table.io)
    if not data:
        nulls = ", ".join(f"null::{type_} as {_quoted(c)}" for c, type_ in types.items())
        return f"select {nulls} where false"
    mapping = ", ".join(
        f"{field.field_id}: {{name: {_text(field.name)}, type: {_text(types[field.name])}, "
        "default_value: NULL}"
        for field in schema.fields
    )
    live = f"read_parquet({_list(data)}, schema=MAP {{{mapping}}}"
    if not deletes:
        return f"select {columns} from {live})"  # noqa: S608 names and paths are quoted
    return (
        f"select {columns} from "  # noqa: S608 names and paths are quoted
        f"{live}, filename='_bergline_file', file_row_number=true) as live where not exists ("
        f"select 1 from read_parquet({_list(list(deletes))}) as gone "
        "where gone.file_path = live._bergline_file and gone.pos = live.file_row_number)"
    )


def _require_parquet(name: str, file: DataFile) -> None:
    if file.file_format is not FileFormat.PARQUET:
        raise Refused(
            f"table {name}: {file.file_path} is {file.file_format.value}, only Parquet is read",
            _OTHER_ENGINE,
        )


def _schema(table: Table, snapshot_id: int | None) -> Schema:
    """The table's present schema for the head, that of its time for an earlier version."""
    snapshot = None if snapshot_id is None else table.metadata.snapshot_by_id(snapshot_id)
    at_head = snapshot_id == table.metadata.current_snapshot_id
    if at_head or snapshot is None or snapshot.schema_id is None:
        return table.schema()
    return table.schemas()[snapshot.schema_id]


def _duckdb_type(name: str, field: Any) -> str:
    text = str(field.field_type)
    if text in _PRIMITIVE:
        return _PRIMITIVE[text]
    if text.startswith("decimal("):
        return text.upper()
    if text.startswith("fixed["):
        return "BLOB"
    raise Refused(f"table {name}: column {field.name} has type {text}", _OTHER_ENGINE)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
