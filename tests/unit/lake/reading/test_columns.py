from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.name_mapping import NameMapping
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType, StructType

from shared.lake.reading.changes import changes
from shared.lake.reading.scan import Keys, scan
from shared.runtime.errors import NotFound, Refused
from tests.support import foreign_snapshots
from tests.support.row_histories import SCHEMA, RowHistory, day

ROW = {"id": 7, "kind": "a", "at": day(1)}


def test_a_renamed_column_is_found_under_its_old_name(history: RowHistory) -> None:
    history.append(ROW)
    with history.table.update_schema() as update:
        update.rename_column("kind", "sort")
    end = history.append({"id": 8, "sort": "b", "at": day(1)})
    assert Counter(scan(history.table, end, ["sort"]).rows()) == Counter([("a",), ("b",)])


def test_a_column_made_again_under_its_name_is_another_one(history: RowHistory) -> None:
    history.append(ROW)
    with history.table.update_schema() as update:
        update.delete_column("kind")
    with history.table.update_schema() as update:
        update.add_column("kind", StringType())
    end = history.append({"id": 8, "kind": "new", "at": day(1)})
    assert Counter(scan(history.table, end, ["kind"]).rows()) == Counter([(None,), ("new",)])


def test_columns_may_swap_their_names_and_the_old_schema_be_gone(history: RowHistory) -> None:
    with history.table.update_schema() as update:
        update.add_column("sort", StringType())
    end = history.append({"id": 1, "kind": "kind", "sort": "sort", "at": day(1)})
    with history.table.update_schema() as update:
        update.rename_column("kind", "other")
    with history.table.update_schema() as update:
        update.rename_column("sort", "kind")
    with history.table.update_schema() as update:
        update.rename_column("other", "sort")
    table = history.table
    assert scan(table, end, ["kind", "sort"]).rows() == [("sort", "kind")]
    present = table.metadata.current_schema_id
    schemas = [each for each in table.metadata.schemas if each.schema_id == present]
    metadata = table.metadata.model_copy(update={"schemas": schemas})
    cleaned = Table(table.name(), metadata, table.metadata_location, table.io, table.catalog)
    assert scan(cleaned, end, ["kind", "sort"]).rows() == [("sort", "kind")]


def test_a_column_added_later_is_null_in_older_rows(history: RowHistory) -> None:
    start = history.append(ROW)
    with history.table.update_schema() as update:
        update.add_column("note", LongType())
    frame = scan(history.table, start, ["note", "id"])
    assert frame.rows() == [(None, 7)]
    assert frame.schema == pl.Schema({"note": pl.Int64, "id": pl.Int32})
    keys = Keys(pl.DataFrame({"key": [None]}, schema={"key": pl.Int64}), {"key": pl.col("note")})
    assert scan(history.table, start, ["id"], keys=keys).height == 1
    both = Keys(keys.frame.with_columns(id=7), {**keys.by, "id": pl.col("id")})
    assert scan(history.table, start, ["id"], keys=both).height == 1


def test_a_widened_column_has_its_present_type(history: RowHistory) -> None:
    start = history.append(ROW)
    with history.table.update_schema() as update:
        update.update_column("id", LongType())
    end = history.append({"id": 2**40, "at": day(1)})
    frame = scan(history.table, end, ["id"])
    assert frame.schema == pl.Schema({"id": pl.Int64})
    assert set(frame.rows()) == {(7,), (2**40,)}
    keys = Keys(pl.DataFrame({"key": [7]}), {"key": pl.col("id")})
    assert scan(history.table, end, ["id"], keys=keys).rows() == [(7,)]
    both = Keys(keys.frame.with_columns(at=day(1)), {**keys.by, "at": pl.col("at")})
    assert scan(history.table, end, ["id"], keys=both).rows() == [(7,)]
    assert changes(history.table, start, end, added=["id"], removed=["id"]).added.rows() == [
        (2**40,)
    ]


def test_a_file_whose_manifest_tells_nothing_of_a_column_is_asked(history: RowHistory) -> None:
    (file,) = history.write([ROW])
    sizes = {field: size for field, size in file.column_sizes.items() if field != 2}
    silent = _copy(file, column_sizes=sizes, lower_bounds={}, upper_bounds={}, value_counts={})
    foreign_snapshots.snapshot(history.table, added=[(silent, None)])
    assert scan(history.table, history.head, ["kind"]).rows() == [("a",)]


def test_a_file_may_call_and_type_its_columns_otherwise(
    history: RowHistory, tmp_path: Path
) -> None:
    (file,) = history.write([ROW])
    path = tmp_path / "otherwise.parquet"
    rows = pq.read_table(file.file_path.removeprefix("file://"), partitioning=None)
    fields = [field.with_name(f"_{field.name}") for field in rows.schema]
    fields[3] = fields[3].with_type(pa.timestamp("ms", tz="UTC"))
    pq.write_table(
        rows.rename_columns([field.name for field in fields]).cast(pa.schema(fields)), path
    )
    foreign_snapshots.snapshot(history.table, added=[(_copy(file, file_path=path.as_uri()), None)])
    frame = scan(history.table, history.head, ["at", "kind"], where=pl.col("kind") == "a")
    assert frame.rows() == [(day(1), "a")]
    assert frame.schema["at"] == pl.Datetime("us", "UTC")


def test_a_file_without_field_ids_needs_a_name_mapping(history: RowHistory, tmp_path: Path) -> None:
    (file,) = history.write([ROW])
    path = tmp_path / "without-ids.parquet"
    rows = pq.read_table(file.file_path.removeprefix("file://"), partitioning=None)
    bare = pa.table(dict(zip(["number", "kind", "amount", "at"], rows.columns, strict=True)))
    pq.write_table(bare, path)
    foreign = _copy(file, file_path=path.as_uri(), column_sizes=None)
    foreign_snapshots.snapshot(history.table, added=[(foreign, None)])
    with pytest.raises(Refused, match="no Iceberg field ids") as refused:
        scan(history.table, history.head, ["id"])
    assert "schema.name-mapping.default" in refused.value.next_step
    mapping = NameMapping.model_validate(
        [{"field-id": 1, "names": ["id", "number"]}, {"field-id": 2, "names": ["kind"]}]
    )
    with history.table.transaction() as transaction:
        transaction.set_properties({"schema.name-mapping.default": mapping.model_dump_json()})
    assert scan(history.table, history.head, ["id", "kind", "amount"]).rows() == [(7, "a", None)]


def test_a_file_that_lacks_an_identity_partition_column_has_the_value_of_its_partition(
    tmp_path: Path,
) -> None:
    by_kind = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "kind"))
    history = RowHistory(tmp_path, by_kind)
    (file,) = history.write([ROW])
    path = tmp_path / "hive.parquet"
    rows = pq.read_table(file.file_path.removeprefix("file://"), partitioning=None)
    pq.write_table(rows.drop_columns("kind"), path)
    sizes = {field: size for field, size in file.column_sizes.items() if field != 2}
    hive = _copy(file, file_path=path.as_uri(), column_sizes=sizes)
    foreign_snapshots.snapshot(history.table, added=[(hive, None)])
    assert scan(history.table, history.head, ["id", "kind"]).rows() == [(7, "a")]


def test_a_column_that_is_not_there_is_named_with_those_that_are(history: RowHistory) -> None:
    head = history.append(ROW)
    with pytest.raises(NotFound, match="no column 'ident'") as missing:
        scan(history.table, head, ["ident"])
    assert "id, kind, amount, at" in missing.value.next_step


def test_a_nested_column_is_refused(tmp_path: Path) -> None:
    nested = NestedField(5, "nested", StructType(NestedField(6, "leaf", StringType())))
    history = RowHistory(tmp_path, schema=Schema(*SCHEMA.fields, nested))
    with pytest.raises(Refused, match="nested"):
        scan(history.table, None, ["nested"])
    assert scan(history.table, None, ["id"]).is_empty()


def _copy(file: DataFile, **other: object) -> DataFile:
    names = (
        "content", "file_path", "file_format", "partition", "record_count", "file_size_in_bytes",
        "column_sizes", "value_counts", "null_value_counts", "lower_bounds", "upper_bounds",
    )  # fmt: skip
    copy = DataFile.from_args(**({name: getattr(file, name) for name in names} | other))
    copy.spec_id = file.spec_id
    return copy
