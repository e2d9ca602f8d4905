"""Everything that is generated is what the sources' declarations say that vendors send."""

import base64
from collections import Counter
from itertools import islice
from typing import get_args

import orjson
import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from deploy.generator.delivery import Delivery, Kind, Signature, Source
from deploy.generator.happenings import TOPICS
from deploy.generator.plan import plan, stream
from deploy.generator.rates import Rates
from deploy.generator.records import nested, records
from deploy.generator.signing import SCHEMES, Signer
from services.ingest.limits.shapes import ANY_SHAPE
from services.ingest.payload import Event, Unreadable, events
from services.ingest.signatures.schemes import verifier_of
from services.ingest.signatures.verifier import Requested, SignatureRefused
from shared.sources import spec
from shared.sources.registry import SOURCES

URL = "http://127.0.0.1:8090"
NOW = 1_700_000_000.0
SECRETS = {source: f"secret of {source}" for source in get_args(Source)} | {
    "standard": f"whsec_{base64.b64encode(b'secret of any sender').decode()}"
}
SIGNER = Signer({source: SecretStr(secret) for source, secret in SECRETS.items()})
KNOWN = sorted(get_args(Source))


def of(source: str) -> list[str]:
    return [topic for topic in TOPICS if topic.startswith(f"{source}.")]


def endpoint_of(delivery: Delivery) -> spec.Endpoint:
    found = [e for e in SOURCES[delivery.source].endpoints if e.path == delivery.path]
    assert len(found) == 1, f"{delivery.path} is no route of {delivery.source}"
    return found[0]


def read(delivery: Delivery) -> list[tuple[spec.Delivery, bytes]]:
    """The records that ingest makes of it, each with its bytes."""
    endpoint, headers = endpoint_of(delivery), CIMultiDict(SIGNER.signed(delivery, NOW, URL)[1])
    made: list[tuple[spec.Delivery, bytes]] = []
    for event in events(endpoint, ANY_SHAPE, headers, delivery.body):
        assert not isinstance(event, Unreadable)
        found = endpoint.read(headers, event.payload, event.body)
        several = (found,) if isinstance(found, spec.Delivery) else found
        made += [(one, event.body if one.value is None else one.value) for one in several]
    return made


def test_every_source_that_comes_with_the_platform_is_generated() -> None:
    assert set(KNOWN) == {name for name, source in SOURCES.items() if source.endpoints}
    for source in KNOWN:
        assert set(of(source)) == {entity.topic for entity in SOURCES[source].entities}


@pytest.mark.parametrize("source", KNOWN)
def test_every_valid_delivery_becomes_the_records_that_it_says(source: str) -> None:
    types: Counter[str] = Counter()
    for delivery in islice(stream(7, topics=of(source)), 1_000):
        made, said = read(delivery), records(delivery)
        assert len(made) == len(said) == delivery.events
        assert (said[0].topic, said[0].event_type) == (delivery.topic, delivery.event_type)
        for (record, value), expected in zip(made, said, strict=True):
            assert (record.topic, record.event_type) == (expected.topic, expected.event_type)
            assert expected.key in (None, record.key)
            assert expected.event_id in (None, record.event_id)
            if expected.fields is None:
                assert value == expected.body
            else:
                assert orjson.loads(value).items() >= expected.fields.items()
            assert record.expected or record.topic.endswith(".events"), record.event_type
            if record.topic != "mailchimp.campaigns":  # the flat form tells no time
                assert record.event_time is not None
        types[delivery.event_type] += 1
    assert len(types) >= 5


@pytest.mark.parametrize("source", KNOWN)
def test_two_events_have_two_ids_and_a_repeated_one_has_its_own_again(source: str) -> None:
    first: dict[str, str] = {}
    repeated = 0
    for delivery in islice(stream(8, topics=of(source)), 1_500):
        for record, _ in read(delivery):
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
    unusable = [d for d in plan(10, 900, topics=of(source), rates=rates) if d.dead_letters]
    for delivery in unusable:
        with pytest.raises(spec.Malformed):
            assert not read(delivery)
        assert not delivery.accepted or len(records(delivery)) == delivery.events
    assert unusable


def test_of_an_array_with_one_event_that_names_no_object_the_others_are_good() -> None:
    rates = Rates(malformed=0.3)
    mixed = [d for d in plan(10, 900, topics=of("hubspot"), rates=rates) if d.accepted]
    mixed = [delivery for delivery in mixed if delivery.dead_letters]
    for delivery in mixed:
        [endpoint] = SOURCES["hubspot"].endpoints
        *good, wrong = events(endpoint, ANY_SHAPE, {}, delivery.body)
        assert not isinstance(wrong, Unreadable)
        assert delivery.dead_letters == (wrong.body,)
        with pytest.raises(spec.Malformed, match="needs objectId"):
            endpoint.read({}, wrong.payload, wrong.body)
        kept = [event.body for event in good if isinstance(event, Event)]
        assert kept == [record.body for record in records(delivery)]
    assert mixed


def test_arrays_hold_events_of_several_objects_and_topics() -> None:
    sizes: Counter[int] = Counter()
    for delivery in islice(stream(11, topics=of("hubspot")), 500):
        sizes[len({record.topic for record in records(delivery)})] += 1
        assert delivery.events <= SOURCES["hubspot"].endpoints[0].events_limit
    assert set(sizes) == {1, 2, 3}


def test_a_forms_fields_nest_as_their_brackets_say() -> None:
    assert nested(b"type=profile&data[merges][FNAME]=A+%26%C3%BC&data[id]=1&data[ip]=") == {
        "type": "profile",
        "data": {"merges": {"FNAME": "A &ü"}, "id": "1", "ip": ""},
    }
