"""Files made of copies and of rows are what all of it written anew would be, to any reader."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.lake.maintenance import copied_groups
from shared.lake.maintenance.assembling import AssembledFile, Copy, Piece
from shared.lake.maintenance.copied_groups import OldGroup, old_groups
from shared.lake.maintenance.page_walk import walked
from shared.lake.maintenance.parquet_footer import footer_of, pattern
from shared.lake.maintenance.thrift_compact import ThriftError


@pytest.fixture(autouse=True)
def every_row_group_is_large_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", 1)


def field(name: str, kind: pa.DataType, number: int, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable, {b"PARQUET:field_id": str(number).encode()})


KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "number": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "text": (pa.string(), st.sampled_from(["", "a", "ä", "often", "often"]) | st.text(max_size=9)),
    "day": (pa.date32(), st.integers(-(10**5), 10**5)),
    "amount": (pa.decimal128(18, 2), st.decimals(-(10**9), 10**9, places=2)),
    "truth": (pa.bool_(), st.booleans()),
    "bytes": (pa.binary(), st.binary(max_size=9)),
    "list": (
        pa.list_(field("element", pa.string(), 20)),
        st.lists(st.none() | st.text(max_size=5), max_size=3),
    ),
    "struct": (
        pa.struct([field("x", pa.int32(), 30), field("y", pa.string(), 31)]),
        st.fixed_dictionaries({"x": st.none() | st.integers(0, 9), "y": st.text(max_size=3)}),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, list[int]]:
    """Rows, and the sizes of row groups that they are cut into."""
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, unique=True))
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=6))
    count = sum(sizes)
    columns = []
    for name in names:
        kind, values = KINDS[name]
        own = draw(st.lists(st.none() | values, min_size=count, max_size=count))
        columns.append(pa.array(own, kind))
    schema = pa.schema([field(n, KINDS[n][0], at) for at, n in enumerate(names, 1)])
    return pa.Table.from_arrays(columns, schema=schema), sizes


def cut(rows: pa.Table, sizes: list[int]) -> Iterator[pa.Table]:
    at = 0
    for size in sizes:
        yield rows.slice(at, size)
        at += size


def written(parts: list[pa.Table], **options: Any) -> bytes:
    """A file of these row groups."""
    made = io.BytesIO()
    chosen = {"compression": "zstd", "store_schema": False, "store_decimal_as_integer": True}
    with pq.ParquetWriter(made, parts[0].schema, **(chosen | options)) as writer:
        for part in parts:
            writer.write_table(part)
    return made.getvalue()


def groups_of(content: bytes, schema: pa.Schema) -> list[OldGroup]:
    footer = footer_of(lambda at, count: content[at : at + count], len(content))
    return old_groups(footer, pattern(schema))


def copy_of(content: bytes, group: OldGroup, part: int = 1000) -> Copy:
    """In parts of some bytes, and looked at."""

    def bytes_of() -> Iterator[bytes]:
        own = b"".join(content[begin : begin + size] for begin, size in group.chunks)
        return walked((own[at : at + part] for at in range(0, len(own), part)), group.values)

    return Copy(group, bytes_of)


def assembled(schema: pa.Schema, pieces: list[Piece]) -> tuple[bytes, pq.FileMetaData]:
    made = io.BytesIO()
    file = AssembledFile(made, pattern(schema))
    for piece in pieces:
        file.add(piece)
    told = file.close()
    assert file.size == len(made.getvalue())
    return made.getvalue(), told


def bounds(told: pq.FileMetaData) -> list[list[Any]]:
    """What the footer tells of every column of every row group, but for places and sizes."""
    return [
        [
            (
                (column := told.row_group(row_group).column(at)).path_in_schema,
                column.num_values,
                column.compression,
                (own := column.statistics) is not None
                and (own.has_min_max, own.min_raw, own.max_raw, own.null_count),
            )
            for at in range(told.num_columns)
        ]
        for row_group in range(told.num_row_groups)
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    tables(),
    st.data(),
    st.fixed_dictionaries(
        {
            "use_dictionary": st.booleans(),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "write_page_index": st.booleans(),
            "data_page_size": st.sampled_from([20, 2**20]),
        }
    ),
)
def test_copies_beside_rows(
    tmp_path: Path,
    drawn: tuple[pa.Table, list[int]],
    data: st.DataObject,
    options: dict[str, Any],
) -> None:
    rows, sizes = drawn
    parts = list(cut(rows, sizes))
    content = written(parts, **options)
    groups = groups_of(content, rows.schema)
    assert [group.copied for group in groups] == [True] * len(parts)
    order = data.draw(st.permutations(range(len(parts))))
    part = data.draw(st.sampled_from([1, 7, 10_000]))
    pieces = [
        copy_of(content, groups[at], part) if data.draw(st.booleans()) else parts[at]
        for at in order
    ]
    wanted = pa.concat_tables([parts[at] for at in order])
    found, told = assembled(rows.schema, pieces)
    assert pq.read_table(io.BytesIO(found)).equals(wanted)
    anew = pq.read_metadata(io.BytesIO(written([parts[at] for at in order])))
    assert bounds(told) == bounds(anew)
    assert told.schema.equals(anew.schema)
    assert told.num_rows == anew.num_rows
    path = tmp_path / "found.parquet"
    path.write_bytes(found)
    assert pl.read_parquet(path).equals(pl.DataFrame(wanted))
    with duckdb.connect() as connection:
        read = connection.execute("from read_parquet(?)", [str(path)]).to_arrow_table()
    assert read.cast(pa.schema([f.remove_metadata() for f in read.schema])).to_pylist() == (
        wanted.to_pylist()
    )


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(tables(), st.data())
def test_a_page_that_is_not_there_is_noticed(
    drawn: tuple[pa.Table, list[int]], data: st.DataObject
) -> None:
    rows, _ = drawn
    content = written([rows])
    group = groups_of(content, rows.schema)[0]
    begin = group.chunks[0][0]
    end = begin + group.size
    kind = data.draw(st.sampled_from(["zeros", "torn", "longer"]))
    broken = {
        "zeros": bytes(end - begin),
        "torn": content[begin : data.draw(st.integers(begin, end - 1))],
        "longer": content[begin:end] + b"\x00",
    }[kind]
    part = data.draw(st.sampled_from([1, 7, 10_000]))
    parts = (broken[at : at + part] for at in range(0, len(broken), part))
    with pytest.raises(ThriftError):
        list(walked(parts, group.values))
