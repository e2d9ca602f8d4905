"""Exports of Google Analytics 4 in a temporary directory, and a table that takes them in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.generator.ga4.events import COLUMNS
from services.stream_writer.buffer import Work
from services.stream_writer.exports.export_committing import pieces
from services.stream_writer.exports.export_writer import ExportWriter, Piece
from services.stream_writer.exports.limits import Limits
from services.stream_writer.partition_batch import PartitionBatch
from shared.contracts.exports import ExportReady
from shared.lake.commit import Outcome
from shared.lake.file_io import DelayedOpenFileIO
from shared.runtime.export_places import Places, prefixes_of
from shared.sources.ga4.source import SOURCE
from shared.tables.raw.landing import export_table
from tests.support.faulty_catalog import Fault, FaultyCatalog
from tests.support.lake import Lake
from tests.support.records import FetchedRecord

[EXPORT] = SOURCE.exports
TOPIC = EXPORT.topic
GA4_EVENTS = export_table(SOURCE.name, SOURCE.entity(TOPIC), EXPORT)
TYPES = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
SCHEMA = pa.schema([(name, TYPES[type_]) for name, type_ in COLUMNS.items()])
MOMENT = 1_700_000_000_000_000
VECTOR = "7c43b996ea0ca790119b71d79b018e0437d4ef8cdfe6996964e0402ddf202e07"
"""Id of client 1234567890.1700000000 at MOMENT with page_view."""


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    """An event; another number is another event."""
    plain = {
        "client_id": "1234567890.1700000000",
        "user_id": None,
        "event_name": "page_view",
        "event_timestamp": MOMENT + number,
        "event_date": "20231114",
        "event_params": '[{"key":"engagement_time_msec","value":{"int_value":1000}}]',
        "user_properties": "[]",
        "traffic_source": '{"source":"google","medium":"organic","name":""}',
        "device": '{"category":"desktop"}',
        "geo": '{"country":"US"}',
        "page_location": "https://example.com/",
        "page_title": "Home",
        "page_referrer": None,
        "engagement_time_ms": 1000,
        "is_conversion": False,
        "currency": "USD",
        "value": 0.5,
        "session_id": "1000001",
        "ga_session_number": 1,
    }
    return plain | changes


def write(
    path: Path,
    events: Sequence[Mapping[str, Any]],
    *,
    schema: pa.Schema = SCHEMA,
    rows_of_a_group: int = 1000,
) -> Path:
    """Write an export."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([dict(each) for each in events], schema=schema)
    pq.write_table(table, path, row_group_size=rows_of_a_group)
    return path


def ready(path: Path | str, **changes: Any) -> ExportReady:
    """The announcement of a file."""
    uri = path if isinstance(path, str) else path.as_uri()
    told = {"uri": uri, "fingerprint": "1", "size_bytes": 1, "noticed": "request"}
    return ExportReady(**{**told, "ready_at": datetime(2026, 1, 2, tzinfo=UTC), **changes})


def announcement(offset: int, value: bytes, key: bytes = b"uri") -> FetchedRecord:
    """A record of the topic."""
    headers = (
        ("ce_id", b"event-%d" % offset),
        ("ce_type", ExportReady.type.encode()),
        ("delivery_id", b"delivery-%d" % offset),
        ("received_at", b"2026-01-02T03:04:05.000006Z"),
    )
    return FetchedRecord(value, offset, 0, 1_767_323_046_000 + offset, key, headers)


def offered(start: int, *told: ExportReady | bytes, end: int | None = None) -> Work:
    """What a buffer would give: announcements from an offset on."""
    records = [
        announcement(offset, one if isinstance(one, bytes) else one.encode()[1])
        for offset, one in enumerate(told, start)
    ]
    end = start + len(told) if end is None else end
    batch = PartitionBatch(TOPIC, 0, start, end, records, end, 1, 100)
    return Work({(TOPIC, 0): [batch]}, rows=len(records))


@dataclass
class Exports:
    """A table that takes in files of a directory."""

    root: Path
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.directory = self.root / "exports"
        self.directory.mkdir(exist_ok=True)
        (self.root / "lake").mkdir(exist_ok=True)
        self.lake = Lake(self.root / "lake", GA4_EVENTS)
        self.writer, self.catalog = self.another()
        self.writer.first_seen[TOPIC, 0] = 0
        self.next = 0

    def another(self) -> tuple[ExportWriter, FaultyCatalog]:
        """Another worker's writer, and its catalog."""
        catalog = self.lake.catalog()
        places = Places(prefixes_of(str(self.directory), self.directory))
        handle, objects = self.lake.handle(catalog), DelayedOpenFileIO({})
        writer = ExportWriter(handle, GA4_EVENTS, 600, places, objects, self.limits)
        return writer, catalog

    def file(self, name: str, events: Sequence[Mapping[str, Any]], **how: Any) -> Path:
        """Write an export into the directory."""
        return write(self.directory / name, events, **how)

    def load(
        self,
        *told: ExportReady | bytes | Path,
        faults: Sequence[Fault] = (),
        proceed: Callable[[], None] = lambda: None,
    ) -> list[Piece]:
        """Announce files on the next offsets, and land each."""
        work = offered(self.next, *(ready(one) if isinstance(one, Path) else one for one in told))
        self.catalog.faults.extend(faults)
        landed = [self.land(piece, proceed)[0] for piece in pieces(work)]
        self.next += len(told)
        return landed

    def land(
        self, piece: Piece, proceed: Callable[[], None] = lambda: None
    ) -> tuple[Piece, Outcome]:
        """Land one piece of work."""
        self.writer.open(piece, proceed)
        return piece, self.writer.land(piece, None)

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the table."""
        found: list[dict[str, Any]] = self.lake.table.scan().to_arrow().to_pylist()
        return found

    def ids(self) -> list[str]:
        """Every id in the table, sorted."""
        return sorted(row["_raw_id"] for row in self.rows() if row["_raw_id"] is not None)


def summary(snapshot: Any) -> dict[str, Any]:
    """What a snapshot says of its file."""
    found: dict[str, Any] = json.loads(snapshot.summary["bergline.export"])
    return found
