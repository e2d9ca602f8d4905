"""Write rows as data files: each partition its own, sorted, and split by size; or one file for a
small change of many partitions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from shared.lake.level_zero import fits, level_zero_spec
from shared.lake.parquet_file import written
from shared.lake.row_partitions import by_partition, require_declared
from shared.lake.schema import arrow_schema
from shared.tables.spec import TableSpec

ROW_GROUP_ROWS = 100_000
"""Rows of derived tables between two looks at a file's size; readers skip whole row groups."""

IN_MEMORY_BYTES = 2**20
"""Rows of derived tables that are fewer make their file in memory first."""

AT_ONCE_BYTES = 64 * 2**20
"""Rows of several partitions that are fewer are written by several requests at once."""

WRITES = 8
"""Most requests to the store at once."""


def write_rows(
    table: Table, spec: TableSpec, rows: pa.Table, *, target_bytes: int, level_zero: bool = False
) -> list[DataFile]:
    """Write rows of a derived table: every partition its own files, sorted as declared.

    Args:
        table: where the files belong; its current schema and default partition spec are used.
        spec: its declaration.
        rows: with the declared columns, in any order; types that lose nothing are cast.
        target_bytes: a file of that size is full; the rest goes into another one.
        level_zero: few rows of several partitions become one file of level 0, if the table has it
            (:mod:`shared.lake.level_zero`): folding must find them there later.

    Returns:
        the data files, not yet named by any snapshot; none for no rows.

    Raises:
        OSError: the object store did not take them.
        Refused: somebody has changed how the table is partitioned.
        ValueError: a value does not fit its column: null where it is required, too large.
    """
    require_declared(table, spec)
    rows = _declared(spec, rows)
    spec_id, parts = table.metadata.default_spec_id, list(by_partition(spec, rows))
    apart = level_zero_spec(table) if level_zero and fits([part for _, part in parts]) else None
    if apart is not None:
        spec_id, parts = apart, [(Record(), rows)]

    def write(place: tuple[Record, pa.Table]) -> list[DataFile]:
        partition, part = place
        groups = _row_groups(spec, part)
        keep = part.nbytes <= IN_MEMORY_BYTES
        return _filled(table, (spec_id, partition), groups, target_bytes, keep=keep)

    if len(parts) == 1 or rows.nbytes > AT_ONCE_BYTES:
        return [file for part in parts for file in write(part)]
    with ThreadPoolExecutor(WRITES, "bergline-write") as pool:
        return [file for files in pool.map(write, parts) for file in files]


def write_portions(
    table: Table, spec: TableSpec, portions: Iterable[pa.Table], *, target_bytes: int
) -> list[DataFile]:
    """Write rows of one partition that are too many to be held: they share files.

    Args:
        portions: rows as for :func:`write_rows`, each portion sorted here by itself; by the first
            column of the declared order, none comes before what is in an earlier portion.
        table, spec, target_bytes: as for :func:`write_rows`, results and errors, too.

    Raises:
        ValueError: the first portion is of several partitions.
    """
    require_declared(table, spec)
    declared = (_declared(spec, each) for each in portions if len(each))
    first = next(declared, None)
    if first is None:
        return []
    ((partition, _),) = by_partition(spec, first)
    groups = chain.from_iterable(_row_groups(spec, each) for each in chain([first], declared))
    return _filled(table, (table.metadata.default_spec_id, partition), groups, target_bytes)


def write_row_groups(
    table: Table, place: tuple[int, Record], groups: Iterator[pa.Table], *, target_bytes: int
) -> list[DataFile]:
    """Write rows of one partition as they come: each of ``groups`` is a row group.

    Args:
        table: where the files belong.
        place: partition spec and partition.
        groups: rows with field ids, asked for one after the other; none makes no file.
        target_bytes: a file of that size is full; the next row group goes into another one.

    Returns:
        the data files in the order of their rows, not yet named by any snapshot.

    Raises:
        OSError: the object store did not take them.
    """
    return _filled(table, place, groups, target_bytes)


def _declared(spec: TableSpec, rows: pa.Table) -> pa.Table:
    schema = arrow_schema(spec)
    return rows.select(schema.names).cast(schema)


def _row_groups(spec: TableSpec, rows: pa.Table) -> Iterator[pa.Table]:
    """Rows in the declared order, as many at a time as make a row group."""
    sort = () if spec.derived is None else spec.derived.sort
    ordered = rows.sort_by([(column, "ascending") for column in sort]) if sort else rows
    return (ordered.slice(at, ROW_GROUP_ROWS) for at in range(0, len(rows), ROW_GROUP_ROWS))


def _filled(
    table: Table,
    place: tuple[int, Record],
    groups: Iterator[pa.Table],
    target_bytes: int,
    *,
    keep: bool = False,
) -> list[DataFile]:
    """Row groups of one partition, in files of the size that is asked for."""
    folder = table.specs()[place[0]].partition_to_path(place[1], table.schema())
    files: list[DataFile] = []
    while (first := next(groups, None)) is not None:
        name = f"{uuid.uuid4()}.parquet"
        location = f"{folder}/{name}" if folder else name
        files.append(
            written(table, location, place, chain([first], groups), target_bytes, keep=keep)
        )
    return files
