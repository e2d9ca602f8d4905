"""What every landing table has: the system columns, and how payload columns get their ids."""

from __future__ import annotations

from shared.tables.spec import Column, Grain, Partitioning, TableSpec, TimeFormat, Type

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

FIRST_PAYLOAD_FIELD_ID = len(SYSTEM_COLUMNS) + 1
"""Catalogs give fresh ids in the order of the columns when a table is created, so the declared
ids are that order. What is added later, system column or not, goes to the end of its table."""


def landing_table(
    name: str,
    topic: str,
    doc: str,
    groups: tuple[tuple[Type, str], ...],
    *,
    root: tuple[str, ...] = (),
    nested: tuple[tuple[str, Type, tuple[str, ...]], ...] = (),
    unix_seconds: frozenset[str] = frozenset(),
) -> TableSpec:
    """Declare a landing table.

    Args:
        name: logical table name.
        topic: logical topic that lands in it.
        doc: one sentence.
        groups: (type, space-separated names) in order; field ids follow this order, so new
            columns are added at the end only.
        root: where in the payload those names are found.
        nested: further columns with a path of their own from the payload's root.
        unix_seconds: timestamp columns written as unix seconds.
    """
    declared = [
        (column, type_, (*root, column)) for type_, names in groups for column in names.split()
    ]
    payload = tuple(
        Column(
            column,
            type_,
            FIRST_PAYLOAD_FIELD_ID + index,
            path,
            TimeFormat.UNIX_SECONDS if column in unix_seconds else TimeFormat.ISO_8601,
        )
        for index, (column, type_, path) in enumerate([*declared, *nested])
    )
    return TableSpec(
        name=name,
        topics=(topic,),
        columns=SYSTEM_COLUMNS + payload,
        partition_by=Partitioning("_loaded_at", Grain.DAY),
        doc=doc,
    )
