"""Every source is what its declaration says, at every endpoint: its examples become rows.

This walks whatever is registered, so a new source is tested by being there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict

from services.ingest.config import IngestSettings
from services.ingest.example_check import another_secret, examine
from services.ingest.limits.shapes import ANY_SHAPE
from services.ingest.payload import Event, events
from services.ingest.signatures.schemes import verifier_of
from services.ingest.signatures.verifier import (
    Requested,
    SignatureInvalid,
    SignatureMissing,
    Verifier,
)
from services.ingest.source_settings import secrets_field
from services.stream_writer.parsing.rows import parse
from shared.contracts.envelope import Envelope
from shared.lake.schema import iceberg_schema
from shared.sources.registry import SOURCES
from shared.sources.spec import Delivery, Endpoint, Entity, Example, SourceSpec
from shared.sources.topics import TOPICS
from shared.tables.raw.landing import FILE_COLUMNS, FIRST_PAYLOAD_FIELD_ID
from shared.tables.registry import TABLES, table_of_topic
from tests.support.records import FetchedRecord


class Case(NamedTuple):
    source: SourceSpec
    endpoint: Endpoint
    example: Example


def cases() -> Iterator[Case]:
    for source in SOURCES.values():
        for endpoint in source.endpoints:
            for example in source.examples:
                if urlsplit(example.path).path == endpoint.path:
                    yield Case(source, endpoint, example)


CASES = list(cases())
EVERY_CASE = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.source.name}-{case.example.name}" for case in CASES]
)
EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))
ENTITIES = [(source, entity) for source in SOURCES.values() for entity in source.entities]
EVERY_ENTITY = pytest.mark.parametrize(
    ("source", "entity"), ENTITIES, ids=[entity.topic for _, entity in ENTITIES]
)


def verifier(case: Case, *secrets: str) -> Verifier:
    urls = () if case.example.public_url is None else (case.example.public_url,)
    return verifier_of(
        case.source.signature,
        secrets or (case.example.secret,),
        public_urls=urls,
        old_versions=True,
    )


def verify(
    case: Case,
    *secrets: str,
    body: bytes | None = None,
    at: float | None = None,
    headers: dict[str, str] | None = None,
    path: str | None = None,
) -> None:
    example = case.example
    verifier(case, *secrets).verify(
        CIMultiDict(example.headers if headers is None else headers),
        example.body if body is None else body,
        example.at if at is None else at,
        Requested("POST", example.path if path is None else path),
    )


def deliveries(case: Case) -> list[tuple[Delivery, bytes]]:
    """What ingest makes of the example: every delivery with its record's value."""
    headers = CIMultiDict(case.example.headers)
    found: list[tuple[Delivery, bytes]] = []
    for event in events(case.endpoint, ANY_SHAPE, headers, case.example.body):
        assert isinstance(event, Event)
        read = case.endpoint.read(headers, event.payload, event.body)
        found += [
            (one, event.body if one.value is None else one.value)
            for one in ((read,) if isinstance(read, Delivery) else read)
        ]
    return found


@EVERY_SOURCE
def test_every_endpoint_has_an_example(source: SourceSpec) -> None:
    shown = {case.endpoint.path for case in CASES if case.source is source}
    assert shown == {endpoint.path for endpoint in source.endpoints}


@EVERY_CASE
def test_the_example_is_signed(case: Case) -> None:
    verify(case)


@EVERY_CASE
def test_any_of_several_secrets_will_do(case: Case) -> None:
    verify(case, another_secret(case.source, case.example.secret), case.example.secret)


@EVERY_CASE
def test_another_secret_does_not_sign_it(case: Case) -> None:
    with pytest.raises(SignatureInvalid):
        verify(case, another_secret(case.source, case.example.secret))


@EVERY_CASE
def test_a_tampered_body_is_refused_where_it_is_signed(case: Case) -> None:
    if case.source.signature.carried_in == "query":
        verify(case, body=case.example.body + b" ")
        return
    with pytest.raises(SignatureInvalid):
        verify(case, body=case.example.body + b" ")


@EVERY_CASE
def test_without_what_carries_it_there_is_no_signature(case: Case) -> None:
    plain = {"Content-Type": case.example.headers.get("Content-Type", "application/json")}
    with pytest.raises(SignatureMissing):
        verify(case, headers=plain, path=case.endpoint.path)


@EVERY_CASE
def test_the_example_becomes_what_it_says(case: Case) -> None:
    found = [delivery for delivery, _ in deliveries(case)]
    named = {event_type for entity in case.source.entities for event_type in entity.event_types}
    assert len(found) == len(case.example.becomes)
    for delivery, expected in zip(found, case.example.becomes, strict=True):
        for field in ("topic", "key", "event_id", "event_type", "event_time"):
            wanted = getattr(expected, field)
            assert wanted is None or getattr(delivery, field) == wanted, field
        assert delivery.topic in case.endpoint.topics
        # A source that names no types expects any.
        assert delivery.expected == (
            not named or delivery.event_type in case.source.entity(delivery.topic).event_types
        )


@EVERY_CASE
def test_a_redelivery_has_the_same_event_id(case: Case) -> None:
    once, again = deliveries(case), deliveries(case)
    assert [delivery.event_id for delivery, _ in once] == [one.event_id for one, _ in again]
    assert len({delivery.event_id for delivery, _ in once}) == len(once)


@EVERY_CASE
def test_the_example_lands_with_every_value_in_its_column(case: Case) -> None:
    for delivery, value in deliveries(case):
        envelope = Envelope(
            id=delivery.event_id,
            type=delivery.event_type,
            source=case.source.name,
            time=delivery.event_time,
            subject=delivery.key,
            received_at=datetime(2026, 1, 1, tzinfo=UTC),
            delivery_id="01",
            extensions=delivery.extensions,
        )
        record = FetchedRecord(
            value, 0, 0, key=delivery.key.encode(), headers=tuple(envelope.headers())
        )
        spec = table_of_topic(delivery.topic)
        rows = parse(spec, delivery.topic, [record], datetime(2026, 1, 1, tzinfo=UTC))
        [row] = rows.table.to_pylist()
        assert (row["_error"], row["_drift"]) == (None, None)
        assert row["_payload"] == value.decode()
        assert (row["_key"], row["_event_id"]) == (delivery.key, delivery.event_id)
        assert any(row[column.name] is not None for column in spec.payload_columns)


@EVERY_ENTITY
def test_every_entity_has_a_topic_that_is_read_and_a_table(
    source: SourceSpec, entity: Entity
) -> None:
    topic = TOPICS[entity.topic]
    assert topic.retention is not None
    is_export = source.export(entity.topic) is not None
    # Who watches a prefix learns from the topic what was announced.
    assert topic.read_by == (
        ("stream_writer", "ingest", "cli") if is_export else ("stream_writer",)
    )
    spec = TABLES[entity.table.name]
    assert spec.topics == (entity.topic,)
    assert table_of_topic(entity.topic) is spec
    assert [column.name for column in spec.payload_columns] == [
        column.name for column in entity.table.columns
    ]
    first = spec.payload_columns[0].field_id
    assert first == FIRST_PAYLOAD_FIELD_ID + (len(FILE_COLUMNS) if is_export else 0)
    assert iceberg_schema(spec).find_field("_payload").field_id == spec.column("_payload").field_id


@EVERY_SOURCE
def test_every_source_has_its_settings(source: SourceSpec) -> None:
    fields = IngestSettings.model_fields
    assert {f"ingest_{source.name}_enabled", secrets_field(source.name)} <= fields.keys()
    assert (f"ingest_{source.name}_old_signatures" in fields) == source.signature.has_old_versions


@EVERY_SOURCE
def test_the_signature_is_never_kept(source: SourceSpec) -> None:
    kept = {header.lower() for header in source.kept_headers}
    assert source.signature.carrier.lower() not in kept


@EVERY_SOURCE
def test_the_vendors_own_pages_are_named(source: SourceSpec) -> None:
    assert source.documentation
    assert all(page.startswith("https://") for page in source.documentation)


@EVERY_CASE
def test_the_command_finds_nothing_wrong_with_it(case: Case) -> None:
    found = examine(case.source, case.example)
    assert found.wrong == []
    assert found.records == [(delivery.topic, value) for delivery, value in deliveries(case)]
