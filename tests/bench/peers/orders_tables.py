"""Tables for the orders of :func:`tests.bench.orders.thin`, as the peers can fill them."""

from __future__ import annotations

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DecimalType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

from shared.lake.parquet_file import ZSTD_LEVEL

NAMESPACE = "peers"
PAYLOAD = "_payload"

SCALARS: tuple[tuple[str, IcebergType], ...] = (
    ("id", LongType()),
    ("name", StringType()),
    ("email", StringType()),
    ("currency", StringType()),
    ("financial_status", StringType()),
    ("total_price", DecimalType(18, 2)),
    ("subtotal_price", DecimalType(18, 2)),
    ("total_tax", DecimalType(18, 2)),
    ("created_at", TimestamptzType()),
    ("updated_at", TimestamptzType()),
    ("processed_at", TimestamptzType()),
    ("test", BooleanType()),
    ("confirmed", BooleanType()),
    ("taxes_included", BooleanType()),
    ("number", LongType()),
    ("order_number", LongType()),
)
CUSTOMER: tuple[tuple[str, IcebergType], ...] = (
    ("id", LongType()),
    ("email", StringType()),
    ("first_name", StringType()),
)
LINE_ITEM: tuple[tuple[str, IcebergType], ...] = (
    ("id", LongType()),
    ("product_id", LongType()),
    ("variant_id", LongType()),
    ("title", StringType()),
    ("quantity", IntegerType()),
    ("price", StringType()),
    ("sku", StringType()),
)

# Of a table that says nothing Iceberg's Java library writes gzip, which costs more. Level as ours.
_PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": str(ZSTD_LEVEL),
}


def make_table(
    catalog: RestCatalog, name: str, *, nested: bool, times: bool, payload: bool
) -> None:
    """Create a table of namespace :data:`NAMESPACE`.

    Args:
        catalog: where.
        name: the table's name.
        nested: customer and items as structs, not as JSON text.
        times: times as timestamps, not as text.
        payload: with the record's value as a column.
    """
    fields: list[tuple[str, IcebergType]] = [
        (field, kind if times or not isinstance(kind, TimestamptzType) else StringType())
        for field, kind in SCALARS
    ]
    if nested:
        item = StructType(*_numbered(LINE_ITEM, 200))
        fields.append(("customer", StructType(*_numbered(CUSTOMER, 100))))
        fields.append(("line_items", ListType(199, item, element_required=False)))
    else:
        fields += [("customer", StringType()), ("line_items", StringType())]
    if payload:
        fields.append((PAYLOAD, StringType()))
    catalog.create_namespace_if_not_exists(NAMESPACE)
    schema = Schema(*_numbered(fields, 1))
    catalog.create_table((NAMESPACE, name), schema, properties=_PROPERTIES)


def _numbered(
    fields: tuple[tuple[str, IcebergType], ...] | list[tuple[str, IcebergType]], first: int
) -> list[NestedField]:
    return [
        NestedField(number, name, kind, required=False)
        for number, (name, kind) in enumerate(fields, first)
    ]
