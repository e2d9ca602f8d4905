"""What every landing table has: the system columns, and how payload columns get their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from shared.sources.spec import Entity, Export, PayloadColumn, columns
from shared.tables.spec import Column, Grain, Loading, Partitioning, TableSpec, Type

SYSTEM_COLUMNS: tuple[Column, ...] = (
    Column("_topic", Type.STRING, 1, required=True, doc="Logical topic of the record."),
    Column("_partition", Type.INT, 2, required=True, doc="Partition of the record."),
    Column("_offset", Type.LONG, 3, required=True, doc="Offset of the record."),
    Column("_delivery_id", Type.STRING, 4, doc="UUIDv7 stamped when the delivery was accepted."),
    Column("_event_id", Type.STRING, 5, doc="The vendor's event id."),
    Column("_event_type", Type.STRING, 6, doc="The vendor's event type."),
    Column("_event_time", Type.TIMESTAMP, 7, doc="When the event happened, from the vendor."),
    Column("_received_at", Type.TIMESTAMP, 8, doc="When ingest accepted the delivery."),
    Column("_loaded_at", Type.TIMESTAMP, 9, required=True, doc="When the commit was prepared."),
    Column("_source", Type.STRING, 10, doc="Vendor (CloudEvents source)."),
    Column("_attributes", Type.JSON, 11, doc="Further ce_ extension attributes as JSON object."),
    Column("_payload", Type.STRING, 12, doc="The value as text, exactly as received."),
    Column("_payload_bytes", Type.BINARY, 13, doc="The value when it is not valid UTF-8."),
    Column("_error", Type.STRING, 14, doc="Why the record could not be parsed; null when it was."),
    Column("_drift", Type.STRING, 15, doc="Columns whose value did not fit, comma-separated."),
    Column(
        "_replayed",
        Type.BOOLEAN,
        16,
        required=True,
        doc="The same delivery was landed before (a replay cut by a crash).",
    ),
    Column("_key", Type.STRING, 17, doc="Record key as text."),
    Column("_timestamp", Type.TIMESTAMP, 18, doc="Timestamp of the record on the broker."),
)

FILE_COLUMNS: tuple[Column, ...] = (
    Column(
        "_raw_id",
        Type.STRING,
        len(SYSTEM_COLUMNS) + 1,
        doc="SHA-256 in hex of what identifies the event, unique in the table; of a row with an "
        "error of all that it holds; null for a file that could not be loaded.",
    ),
    Column(
        "_source_file", Type.STRING, len(SYSTEM_COLUMNS) + 2, doc="URI of the file with the row."
    ),
)
"""What a table that takes in files has besides."""

FIRST_PAYLOAD_FIELD_ID = len(SYSTEM_COLUMNS) + 1
"""Catalogs give fresh ids in the order of the columns when a table is created, so the declared
ids are that order. What is added later, system column or not, goes to the end of its table."""


def raw_table(entity: Entity) -> TableSpec:
    """The landing table of a source's entity."""
    return _landing(entity.table.name, entity.topic, entity.table.doc, entity.table.columns)


def export_table(source: str, entity: Entity, export: Export) -> TableSpec:
    """The landing table of an entity whose rows come in files.

    The columns of the record are those of the file's announcement; ``_event_type`` and
    ``_event_time`` are the row's. ``_payload`` is null for a row that all of its columns hold.
    """
    table = entity.table
    plain = _landing(table.name, entity.topic, table.doc, table.columns, FILE_COLUMNS)
    loading = Loading(source, export.identity, export.event_time, export.event_type)
    return replace(plain, loading=loading)


def landing_table(
    name: str,
    topic: str,
    doc: str,
    groups: tuple[tuple[Type, str], ...],
    *,
    once_by: tuple[str, ...] = (),
    properties: Mapping[str, str] | None = None,
) -> TableSpec:
    """Declare the landing table of one of the platform's own topics.

    Args:
        name: logical table name.
        topic: logical topic that lands in it.
        doc: one sentence.
        groups: (type, space-separated names) in order; field ids follow this order, so new
            columns are added at the end only.
        once_by: see :attr:`TableSpec.once_by`.
        properties: see :attr:`TableSpec.properties`.
    """
    described = _landing(name, topic, doc, columns(*groups))
    return replace(described, once_by=once_by, properties=MappingProxyType(dict(properties or {})))


def _landing(
    name: str,
    topic: str,
    doc: str,
    payload: tuple[PayloadColumn, ...],
    further: tuple[Column, ...] = (),
) -> TableSpec:
    described = tuple(
        Column(each.name, each.type, number, each.path, each.time_format)
        for number, each in enumerate(payload, FIRST_PAYLOAD_FIELD_ID + len(further))
    )
    return TableSpec(
        name=name,
        topics=(topic,),
        columns=SYSTEM_COLUMNS + further + described,
        partition_by=Partitioning("_loaded_at", Grain.DAY),
        doc=doc,
    )
