"""Table declarations as Iceberg and Arrow schemas."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DecimalType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from shared.tables.spec import TableSpec, Type

_ICEBERG: dict[Type, IcebergType] = {
    Type.STRING: StringType(),
    Type.JSON: StringType(),
    Type.INT: IntegerType(),
    Type.LONG: LongType(),
    Type.BOOLEAN: BooleanType(),
    Type.TIMESTAMP: TimestamptzType(),
    Type.DECIMAL_18_2: DecimalType(18, 2),
    Type.BINARY: BinaryType(),
}

_ARROW: dict[Type, pa.DataType] = {
    Type.STRING: pa.large_string(),
    Type.JSON: pa.large_string(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Type.DECIMAL_18_2: pa.decimal128(18, 2),
    Type.BINARY: pa.large_binary(),
}

PARTITION_FIELD_ID = 1000
"""First partition field id, as the Iceberg specification reserves."""


def iceberg_schema(spec: TableSpec) -> Schema:
    """Iceberg schema with the declared field ids."""
    return Schema(
        *(
            NestedField(
                field_id=column.field_id,
                name=column.name,
                field_type=_ICEBERG[column.type],
                required=column.required,
                doc=column.doc or None,
            )
            for column in spec.columns
        )
    )


def partition_spec(spec: TableSpec) -> PartitionSpec:
    """Iceberg partition spec: the day of one column, or unpartitioned."""
    if spec.partition_by_day is None:
        return PartitionSpec()
    source = spec.column(spec.partition_by_day)
    return PartitionSpec(
        PartitionField(
            source_id=source.field_id,
            field_id=PARTITION_FIELD_ID,
            transform=DayTransform(),
            name=f"{source.name}_day",
        )
    )


def arrow_schema(spec: TableSpec) -> pa.Schema:
    """Arrow schema of the table's rows; every field carries its Iceberg field id."""
    return pa.schema(
        [
            pa.field(
                column.name,
                _ARROW[column.type],
                nullable=not column.required,
                metadata={"PARQUET:field_id": str(column.field_id)},
            )
            for column in spec.columns
        ]
    )
