"""Table declarations as Iceberg and Arrow schemas."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform, MonthTransform, Transform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from shared.tables.spec import Grain, TableSpec, Type

_ICEBERG: dict[Type, IcebergType] = {
    Type.STRING: StringType(),
    Type.JSON: StringType(),
    Type.INT: IntegerType(),
    Type.LONG: LongType(),
    Type.BOOLEAN: BooleanType(),
    Type.TIMESTAMP: TimestamptzType(),
    Type.DATE: DateType(),
    Type.DECIMAL_18_2: DecimalType(18, 2),
    Type.DECIMAL_10_2: DecimalType(10, 2),
    Type.DECIMAL_7_4: DecimalType(7, 4),
    Type.DECIMAL_7_2: DecimalType(7, 2),
    Type.DECIMAL_5_4: DecimalType(5, 4),
    Type.DECIMAL_5_2: DecimalType(5, 2),
    Type.DECIMAL_3_2: DecimalType(3, 2),
    Type.DOUBLE: DoubleType(),
    Type.BINARY: BinaryType(),
}

_ARROW: dict[Type, pa.DataType] = {
    Type.STRING: pa.large_string(),
    Type.JSON: pa.large_string(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Type.DATE: pa.date32(),
    Type.DECIMAL_18_2: pa.decimal128(18, 2),
    Type.DECIMAL_10_2: pa.decimal128(10, 2),
    Type.DECIMAL_7_4: pa.decimal128(7, 4),
    Type.DECIMAL_7_2: pa.decimal128(7, 2),
    Type.DECIMAL_5_4: pa.decimal128(5, 4),
    Type.DECIMAL_5_2: pa.decimal128(5, 2),
    Type.DECIMAL_3_2: pa.decimal128(3, 2),
    Type.DOUBLE: pa.float64(),
    Type.BINARY: pa.large_binary(),
}

_TRANSFORMS: dict[Grain, Transform[Any, Any]] = {
    Grain.DAY: DayTransform(),
    Grain.MONTH: MonthTransform(),
    Grain.IDENTITY: IdentityTransform(),
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
    """Iceberg partition spec: the grain of one column, or unpartitioned."""
    if spec.partition_by is None:
        return PartitionSpec()
    source, grain = spec.column(spec.partition_by.column), spec.partition_by.grain
    return PartitionSpec(
        PartitionField(
            source_id=source.field_id,
            field_id=PARTITION_FIELD_ID,
            transform=_TRANSFORMS[grain],
            name=source.name if grain is Grain.IDENTITY else f"{source.name}_{grain.value}",
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
