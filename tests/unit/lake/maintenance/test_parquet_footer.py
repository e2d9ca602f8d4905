"""Footers of any writer come back byte for byte, and row groups of others are copied or left."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.lake.maintenance import copied_groups
from shared.lake.maintenance.assembling import AssembledFile, Copy
from shared.lake.maintenance.copied_groups import old_groups
from shared.lake.maintenance.page_walk import walked
from shared.lake.maintenance.parquet_footer import (
    MAGIC,
    Chunk,
    File,
    Footer,
    Group,
    Meta,
    Statistics,
    closing,
    footer_of,
    inner,
    pattern,
    structs,
    with_fields,
)
from shared.lake.maintenance.thrift_compact import (
    Field,
    Items,
    Kind,
    Struct,
    ThriftError,
    encode,
)

SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64(), metadata={b"PARQUET:field_id": b"1"}),
        pa.field("text", pa.string(), metadata={b"PARQUET:field_id": b"2"}),
    ]
)
ROWS = pa.table(
    {"number": range(5000), "text": [None if n % 7 == 0 else f"t{n % 50}" for n in range(5000)]},
    schema=SCHEMA,
)


def of_pyarrow(path: Path) -> None:
    pq.write_table(ROWS, path, compression="zstd", row_group_size=2048, write_page_index=True)


def of_polars(path: Path) -> None:
    pl.DataFrame(ROWS).write_parquet(path, compression="zstd", row_group_size=2048)


def of_duckdb(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("rows", ROWS)
        connection.execute(
            f"copy rows to '{path}' (format parquet, codec zstd, row_group_size 2048, "
            "field_ids {number: 1, text: 2})"
        )


WRITERS = [of_pyarrow, of_polars, of_duckdb]


def read(content: bytes) -> Footer:
    return footer_of(lambda at, count: content[at : at + count], len(content))


@pytest.mark.parametrize("write", WRITERS)
def test_a_footer_comes_back(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path)
    content = path.read_bytes()
    footer = read(content)
    assert encode(footer.fields) == content[footer.start : -8]
    assert footer.rows == len(ROWS)
    assert closing(footer.fields, footer.groups) == content[footer.start :]


@pytest.mark.parametrize("write", WRITERS)
def test_what_others_wrote_is_the_same_when_it_is_copied(
    write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", 1)
    path = tmp_path / "a.parquet"
    write(path)
    content = path.read_bytes()
    like = pattern(SCHEMA)
    groups = old_groups(read(content), like)
    made = io.BytesIO()
    file = AssembledFile(made, like)
    for group in groups:
        if group.copied:
            own = [content[begin : begin + size] for begin, size in group.chunks]
            file.add(Copy(group, partial(walked, own, group.values)))
        else:
            file.add(ROWS.slice(group.first, group.rows))
    if not groups:  # its columns differ from those that are written
        file.add(ROWS)
    file.close()
    assert pq.read_table(io.BytesIO(made.getvalue())).equals(ROWS)
    # DuckDB tells of texts by converted types alone, polars knows no field ids: written anew
    assert any(group.copied for group in groups) == (write is of_pyarrow)


def test_what_is_no_file_of_parquet_has_no_footer() -> None:
    made = io.BytesIO()
    pq.write_table(ROWS, made)
    content = made.getvalue()
    for broken in (
        b"",
        b"PAR1",
        content[:-1],
        content[:-8] + struct.pack("<I", len(content)) + MAGIC,
        content[:-8] + struct.pack("<I", 3) + MAGIC,
        content[:-4] + b"PARE",
    ):
        with pytest.raises(ThriftError):
            read(broken)


NUMBERS = pa.schema(
    [
        pa.field(name, kind, metadata={b"PARQUET:field_id": str(at).encode()})
        for at, (name, kind) in enumerate(
            [
                ("long", pa.int64()),
                ("double", pa.float64()),
                ("text", pa.string()),
                ("uuid", pa.binary(16)),
                ("none", pa.int32()),
            ],
            1,
        )
    ]
)


def with_meta(column: int, change: Callable[[Struct], Struct]) -> tuple[Footer, Struct]:
    """The footer of a file of one row group where the metadata of a column are others, and what a
    file of its schema has."""
    made = io.BytesIO()
    values = {
        "long": [1, 2],
        "double": [1.0, 2.0],
        "text": ["", "b"],
        "uuid": [bytes(16), b"u" * 16],
        "none": [None, None],
    }
    pq.write_table(
        pa.table(values, NUMBERS),
        made,
        compression="zstd",
        store_schema=False,
        use_dictionary=False,
    )
    footer = read(made.getvalue())
    (group,) = footer.groups
    columns = [dict(each) for each in structs(group, Group.COLUMNS)]
    meta = inner(columns[column], Chunk.META_DATA)
    assert meta is not None
    columns[column][Chunk.META_DATA] = Field(Kind.STRUCT, change(meta))
    changed: dict[int, Field | None] = {
        Group.COLUMNS: Field(Kind.LIST, Items(Kind.STRUCT, columns))
    }
    groups = Items(Kind.STRUCT, [with_fields(group, changed)])
    fields = with_fields(footer.fields, {File.ROW_GROUPS: Field(Kind.LIST, groups)})
    return Footer(fields, footer.start), pattern(NUMBERS)


def bound(field: Statistics, value: bytes) -> Callable[[Struct], Struct]:
    def change(meta: Struct) -> Struct:
        told = with_fields(inner(meta, Meta.STATISTICS) or {}, {field: Field(Kind.BINARY, value)})
        return with_fields(meta, {Meta.STATISTICS: Field(Kind.STRUCT, told)})

    return change


LEAST, GREATEST = Statistics.MIN_VALUE, Statistics.MAX_VALUE


@pytest.mark.parametrize(
    ("column", "change", "copied"),
    [
        (0, dict, True),
        (0, bound(LEAST, b""), False),
        (0, bound(GREATEST, b"\x02\0\0\0"), False),
        (1, bound(LEAST, struct.pack("<d", -0.0)), True),
        (1, bound(LEAST, struct.pack("<d", 0.0)), False),
        (1, bound(GREATEST, struct.pack("<d", -0.0)), False),
        (1, bound(GREATEST, struct.pack("<d", float("nan"))), False),
        (1, bound(LEAST, b""), False),
        (2, bound(LEAST, b""), True),
        (3, bound(GREATEST, b"u" * 15), False),
        (4, bound(LEAST, b""), False),
        (2, lambda meta: with_fields(meta, {Meta.NUM_VALUES: Field(Kind.I64, 1)}), False),
    ],
)
def test_bounds_that_are_none_and_values_too_few_are_not_copied(
    column: int,
    change: Callable[[Struct], Struct],
    copied: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", 1)
    (group,) = old_groups(*with_meta(column, change))
    assert group.copied is copied


def test_a_place_of_no_dictionary_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", 1)
    none: dict[int, Field | None] = {Meta.DICTIONARY_PAGE_OFFSET: Field(Kind.I64, 0)}
    (group,) = old_groups(*with_meta(0, lambda meta: with_fields(meta, none)))
    (told, *_) = structs(group.at(1000, 0), Group.COLUMNS)
    meta = inner(told, Chunk.META_DATA)
    assert meta is not None
    assert Meta.DICTIONARY_PAGE_OFFSET not in meta
    assert meta[Meta.DATA_PAGE_OFFSET].value == 1000
