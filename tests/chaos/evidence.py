"""Asking the witnesses: broker, tables and ledger, through clients that the platform does not use.

The broker is asked with librdkafka (the platform uses aiokafka), table metadata and lists of files
come from plain PyIceberg, rows from DuckDB over the Parquet files: no reader of ours takes part.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset
from confluent_kafka import Consumer, TopicPartition
from pyarrow.fs import S3FileSystem
from pyiceberg.table import Table

from shared.contracts.topics import COMMITS
from shared.runtime.settings import Settings
from shared.tables.registry import landing_tables
from tests.chaos.audit import Evidence
from tests.chaos.history import History, arrow_table

_ANSWER_SECONDS = 20.0
_READ_SECONDS = 120.0

_ROWS = """
select ? as table_name, _topic as topic, _partition as partition, _offset as "offset",
       _delivery_id as delivery_id, _event_id as event_id, _event_type as event_type,
       md5(_payload) as payload_md5, _error as error, _replayed as replayed
from files
"""
LEDGER = """
select * replace (nullif(delivery_id, '') as delivery_id, accepted = 1 as accepted)
from read_csv(?, header = true, all_varchar = false, types = {
    'delivery_id': 'varchar', 'topic': 'varchar', 'event_id': 'varchar', 'event_type': 'varchar',
    'body_md5': 'varchar', 'accepted': 'int', 'attempts': 'int', 'unanswered': 'int',
    'key': 'varchar', 'sent_at': 'double', 'answered_at': 'double'})
"""
"""What a ledger's file says; the parameter is its path."""

_LANDING = pa.schema(
    {
        "_topic": pa.utf8(),
        "_partition": pa.int32(),
        "_offset": pa.int64(),
        "_delivery_id": pa.utf8(),
        "_event_id": pa.utf8(),
        "_event_type": pa.utf8(),
        "_payload": pa.utf8(),
        "_error": pa.utf8(),
        "_replayed": pa.bool_(),
    }
)
"""Columns that every landing table has."""


def gather(
    settings: Settings, history: History, ledger: Path, *, patience_s: float = 30.0
) -> Evidence:
    """Everything, once traffic has ended and the tables have caught up.

    Announcements follow commits, so they are waited for, but no longer than ``patience_s``.
    """
    tables = history.look()
    heads = {
        (name, head.sequence_number)
        for name, table in tables.items()
        if (head := table.current_snapshot()) is not None
    }
    give_up = time.monotonic() + patience_s
    while True:
        announced = announcements(settings)
        pairs = zip(announced["table_name"], announced["sequence"], strict=True)
        missing = heads - {(name.as_py(), sequence.as_py()) for name, sequence in pairs}
        if not missing or time.monotonic() > give_up:
            break
        time.sleep(0.5)
    return Evidence(
        ledger=_ledger(ledger),
        rows=pa.concat_tables(_rows(settings, name, table) for name, table in tables.items()),
        logs=log_bounds(settings),
        snapshots=history.snapshots(),
        positions=history.positions(),
        announcements=announced,
    )


def _ledger(path: Path) -> pa.Table:
    with duckdb.connect() as sql:
        return sql.execute(LEDGER, [str(path)]).to_arrow_table()


def _rows(settings: Settings, name: str, table: Table) -> pa.Table:
    """Rows of all live files. They are only ever appended: a delete file would be a surprise."""
    tasks = list(table.scan().plan_files())
    assert not any(task.delete_files for task in tasks), f"{name} has delete files"
    paths = [task.file.file_path.removeprefix("s3://") for task in tasks]
    files = pyarrow.dataset.dataset(
        paths, schema=_LANDING, filesystem=store(settings), format="parquet"
    )
    with duckdb.connect() as sql:
        sql.register("files", files)
        return sql.execute(_ROWS, [name]).to_arrow_table()


def store(settings: Settings) -> S3FileSystem:
    """The object store, as Arrow opens it."""
    secret = settings.s3_secret_key
    return S3FileSystem(
        access_key=settings.s3_access_key,
        secret_key=secret.get_secret_value() if secret else None,
        endpoint_override=settings.s3_endpoint,
        region=settings.s3_region,
    )


def log_bounds(settings: Settings) -> pa.Table:
    """Where the log of every partition that a table reads starts and ends."""
    client = _consumer(settings)
    try:
        known = client.list_topics(timeout=_ANSWER_SECONDS).topics
        found = []
        for spec in landing_tables():
            for topic in spec.topics:
                name = settings.environment.topic(topic)
                for partition in known[name].partitions:
                    start, end = client.get_watermark_offsets(
                        TopicPartition(name, partition), timeout=_ANSWER_SECONDS
                    )
                    found.append(
                        {
                            "table_name": spec.name,
                            "topic": topic,
                            "partition": partition,
                            "log_start": start,
                            "log_end": end,
                        }
                    )
    finally:
        client.close()
    return arrow_table(
        found,
        table_name=pa.utf8(),
        topic=pa.utf8(),
        partition=pa.int64(),
        log_start=pa.int64(),
        log_end=pa.int64(),
    )


def announcements(settings: Settings) -> pa.Table:
    """Of each table in the order of its partition."""
    return arrow_table(
        (
            {
                "table_name": event["table"],
                "sequence": event["sequence_number"],
                "snapshot_id": event["snapshot_id"],
                "place": place,
            }
            for place, event in enumerate(events(settings, COMMITS))
        ),
        table_name=pa.utf8(),
        sequence=pa.int64(),
        snapshot_id=pa.int64(),
        place=pa.int64(),
    )


def events(settings: Settings, topic: str) -> Iterator[Mapping[str, Any]]:
    """All events of a topic, those of a partition in their order."""
    name = settings.environment.topic(topic)
    client = _consumer(settings)
    try:
        partitions = client.list_topics(name, timeout=_ANSWER_SECONDS).topics[name].partitions
        missing = {}
        starts = []
        for partition in partitions:
            place = TopicPartition(name, partition)
            start, end = client.get_watermark_offsets(place, timeout=_ANSWER_SECONDS)
            if end > start:
                missing[partition] = end
            starts.append(TopicPartition(name, partition, start))
        client.assign(starts)
        give_up = time.monotonic() + _READ_SECONDS
        while missing:
            assert time.monotonic() < give_up, f"{name} was not read to its end: {missing}"
            for message in client.consume(1000, 0.5):
                assert message.error() is None, message.error()
                partition = message.partition()
                if (message.offset() or 0) + 1 >= missing.get(partition, 0):
                    missing.pop(partition, None)
                yield json.loads(message.value() or b"{}")
    finally:
        client.close()


def _consumer(settings: Settings) -> Consumer:
    return Consumer({"bootstrap.servers": settings.brokers, "group.id": "audit"})
