"""A source may drop files instead of posting events; what its declaration must hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.contracts.column_types import Type
from shared.sources.consistency import wrong_alone
from shared.sources.ga4.source import SOURCE
from shared.sources.signing import BodyHmac
from shared.sources.spec import PayloadColumn, SourceSpec
from shared.sources.topics import TOPICS
from shared.tables.registry import TABLES

[ENTITY], [EXPORT] = SOURCE.entities, SOURCE.exports


def wrong(source: SourceSpec) -> str:
    return "; ".join(each.what for each in wrong_alone(source))


def with_column(*columns: PayloadColumn) -> SourceSpec:
    table = replace(ENTITY.table, columns=(*ENTITY.table.columns, *columns))
    return replace(SOURCE, entities=(replace(ENTITY, table=table),))


def test_the_declaration_is_right() -> None:
    assert wrong(SOURCE) == ""


def test_its_topic_announces_files_and_is_kept_for_a_month() -> None:
    topic = TOPICS["ga4.exports"]
    assert (topic.values, topic.partitions) == (("ExportReady",), 1)
    assert topic.configs()["retention.ms"] == str(30 * 24 * 3_600_000)


def test_its_table_has_the_nineteen_columns_of_the_files_and_what_identifies_a_row() -> None:
    spec = TABLES["raw.ga4_events"]
    assert len(spec.payload_columns) == 19
    assert {"_raw_id", "_source_file", "_event_time"} <= {each.name for each in spec.columns}
    assert spec.column("event_timestamp").type is Type.LONG
    assert spec.column("_event_time").type is Type.TIMESTAMP


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (replace(SOURCE, exports=(replace(EXPORT, path="/webhooks/ga4/x"),)), "export's route"),
        (replace(SOURCE, exports=(replace(EXPORT, topic="ga4.others"),)), "no entity's topic"),
        (replace(SOURCE, exports=(replace(EXPORT, identity=("nothing",)),)), "no column"),
        (replace(SOURCE, exports=(replace(EXPORT, identity=()),)), "no identity"),
        (replace(SOURCE, exports=(replace(EXPORT, event_time="client_id"),)), "no Type.LONG"),
        (replace(SOURCE, exports=()), "no endpoint"),
        (replace(SOURCE, signature=BodyHmac("X-Signature")), "needs a bearer token"),
        (with_column(PayloadColumn("a", Type.STRING, ("b", "a"))), "not named as in the files"),
        (
            with_column(PayloadColumn("a", Type.DATE, ("a",))),
            "as which no value",
        ),
    ],
    ids=["route", "topic", "columns", "identity", "time", "nothing", "signature", "path", "type"],
)
def test_what_contradicts_itself_is_told(source: SourceSpec, what: str) -> None:
    assert what in wrong(source)
