"""Nothing that a sender writes into a payload gets into the platform's own columns."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from services.stream_writer.parsing.rows import parse
from shared.sources.registry import SOURCES
from shared.tables.raw.landing import SYSTEM_COLUMNS
from shared.tables.registry import landing_tables
from shared.tables.spec import TableSpec
from tests.support.records import FetchedRecord

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SYSTEM = [column.name for column in SYSTEM_COLUMNS]
FORGED = {
    **dict.fromkeys(SYSTEM, "forged"),
    **dict.fromkeys(("ce_id", "ce_type", "ce_source", "ce_time", "delivery_id"), "forged"),
    "_webhook_topic": "forged",
    "_webhook_received_at": "2000-01-01T00:00:00Z",
    "received_at": "2000-01-01T00:00:00Z",
    "_offset": 7,
    "_partition": 7,
    "_replayed": True,
}

RECORDS = [spec for spec in landing_tables() if spec.loading is None]
"""Tables whose rows are records, not rows of files."""
EVERY_TABLE = pytest.mark.parametrize("spec", RECORDS, ids=lambda spec: spec.name)


@EVERY_TABLE
def test_a_payload_cannot_forge_what_the_platform_knows(spec: TableSpec) -> None:
    plain, forged = (
        parse(spec, spec.topics[0], [FetchedRecord(orjson.dumps(payload))], NOW).table
        for payload in ({}, FORGED)
    )
    for name in SYSTEM:
        if name != "_payload" and name != "_drift":
            assert forged[name].equals(plain[name]), name
    assert orjson.loads(forged["_payload"][0].as_py()) == FORGED


def test_no_payload_column_looks_like_the_platforms() -> None:
    for source in SOURCES.values():
        for entity in source.entities:
            for column in entity.table.columns:
                assert not column.name.startswith("_")
                assert not column.path[0].startswith("_"), f"{entity.table.name}.{column.name}"
