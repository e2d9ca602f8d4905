"""Everything that is generated is what the sources' declarations say that vendors send."""

import json
from collections import Counter
from itertools import islice
from typing import get_args

import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from deploy.generator.delivery import Delivery, Kind, Signature, Source
from deploy.generator.happenings import TOPICS
from deploy.generator.mailchimp.subscribers import subscriber_id
from deploy.generator.plan import plan, stream
from deploy.generator.rates import Rates
from deploy.generator.signing import SCHEMES, Signer
from services.ingest.payload import Unreadable, events
from services.ingest.signatures.schemes import verifier_of
from services.ingest.signatures.verifier import Requested, SignatureRefused
from shared.sources import spec
from shared.sources.registry import SOURCES

URL = "http://127.0.0.1:8090"
NOW = 1_700_000_000.0
SECRETS = {source: f"secret of {source}" for source in get_args(Source)}
SIGNER = Signer({source: SecretStr(secret) for source, secret in SECRETS.items()})
KNOWN = [source for source in get_args(Source) if source in SOURCES]


def of(source: str) -> list[str]:
    return [topic for topic in TOPICS if topic.startswith(f"{source}.")]


def endpoint_of(delivery: Delivery) -> spec.Endpoint:
    found = [e for e in SOURCES[delivery.source].endpoints if e.path == delivery.path]
    assert len(found) == 1, f"{delivery.path} is no route of {delivery.source}"
    return found[0]


def read(delivery: Delivery) -> list[spec.Delivery]:
    """The records that ingest makes of it."""
    endpoint, headers = endpoint_of(delivery), CIMultiDict(delivery.headers)
    records: list[spec.Delivery] = []
    for event in events(endpoint, headers, delivery.body):
        assert not isinstance(event, Unreadable)
        found = endpoint.read(headers, event.payload, event.body)
        records += [found] if isinstance(found, spec.Delivery) else found
    return records


def key_of(delivery: Delivery) -> str:
    """What its records are ordered by: the thing itself, of mail events the subscriber."""
    if delivery.topic == "mailchimp.events":
        return subscriber_id(json.loads(delivery.body)["email_address"])
    return delivery.subject


@pytest.mark.parametrize("source", KNOWN)
def test_every_valid_delivery_becomes_the_records_that_it_says(source: str) -> None:
    types: Counter[str] = Counter()
    for delivery in islice(stream(7, topics=of(source)), 2_000):
        records = read(delivery)
        assert len(records) == delivery.events
        assert {record.topic for record in records} == {delivery.topic}
        assert all(record.expected for record in records), delivery.event_type
        assert records[0].event_type == delivery.event_type
        if delivery.topic != "mailchimp.campaigns":  # the flat form tells no time
            assert all(record.event_time is not None for record in records)
        assert {record.key for record in records} == {key_of(delivery)}
        types[delivery.event_type] += 1
    assert len(types) > 8


@pytest.mark.parametrize("source", KNOWN)
def test_two_events_have_two_ids_and_a_repeated_one_has_its_own_again(source: str) -> None:
    first: dict[str, str] = {}
    repeated = 0
    for delivery in islice(stream(8, topics=of(source)), 3_000):
        for record in read(delivery):
            if delivery.kind is Kind.REDELIVERY:
                repeated += 1
                assert record.event_id in first
            else:
                assert first.setdefault(record.event_id, delivery.event_id) == delivery.event_id
    assert repeated


@pytest.mark.parametrize("source", KNOWN)
def test_signatures_are_verified_and_faulty_ones_are_refused(source: Source) -> None:
    assert SOURCES[source].signature == SCHEMES[source]
    verifier = verifier_of(SCHEMES[source], [SECRETS[source]])
    seen: Counter[Signature] = Counter()
    for delivery in plan(9, 1_500, topics=of(source)):
        target, headers = SIGNER.signed(delivery, NOW, URL)
        sent = CIMultiDict({**headers, "Host": "127.0.0.1:8090"})
        seen[delivery.signature] += 1
        if delivery.signature is Signature.VALID:
            verifier.verify(sent, delivery.body, NOW, Requested("POST", target))
        else:
            with pytest.raises(SignatureRefused):
                verifier.verify(sent, delivery.body, NOW, Requested("POST", target))
    assert seen[Signature.VALID]
    assert seen[Signature.WRONG]


@pytest.mark.parametrize("source", KNOWN)
def test_unusable_bodies_are_refused(source: str) -> None:
    rates = Rates(malformed=0.3)
    unusable = [d for d in plan(10, 900, topics=of(source), rates=rates) if d.dead_letter]
    for delivery in unusable:
        with pytest.raises(spec.Malformed):
            assert not read(delivery)
    assert unusable or source == "mailchimp"
