"""Arrays, forms, probes and secrets in the address: what vendors send, all the way to a topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.envelope import read
from shared.contracts.topics import DEAD_LETTERS
from shared.sources.mailchimp.source import SOURCE as MAILCHIMP
from tests.support.arrivals import Tail, create_topics
from tests.support.broker import BrokerProcess, running
from tests.support.ingest import Answer, IngestProcess
from tests.support.vendor_signatures import SECRETS, hubspot_signature, standard_signature

HUBSPOT = "/webhooks/hubspot/webhook"
MAILCHIMP_PATH = "/webhooks/mailchimp/webhook"
STANDARD = "/webhooks/standard/events"
PUBLIC = "https://hooks.example/in"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MAILCHIMP_SECRET = SECRETS["BERGLINE_INGEST_MAILCHIMP_SECRETS"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    for process in running(tmp_path_factory.mktemp("broker")):
        create_topics(process.bootstrap)
        yield process


@pytest.fixture(scope="module")
def ingest(
    broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IngestProcess]:
    directory: Path = tmp_path_factory.mktemp("ingest")
    with IngestProcess(
        directory,
        broker.bootstrap,
        BERGLINE_INGEST_PUBLIC_URLS=PUBLIC,
        BERGLINE_LOG_LEVEL="debug",
    ) as process:
        process.wait_ready()
        yield process


def hubspot(ingest: IngestProcess, events: object, *, base: str = PUBLIC) -> Answer:
    body = json.dumps(events).encode()
    secret = SECRETS["BERGLINE_INGEST_HUBSPOT_SECRETS"]
    return ingest.post(HUBSPOT, body, hubspot_signature(HUBSPOT, body, base=base, secret=secret))


def thin(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "eventId": number,
        "subscriptionId": 7,
        "portalId": 62515,
        "occurredAt": 1699999999123,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": 1000 + number % 10,
        "propertyName": "lifecyclestage",
        "propertyValue": str(number),
    } | changed


def test_an_array_of_hubspots_is_one_record_an_event_in_order_of_each_object(
    broker: BrokerProcess, ingest: IngestProcess
) -> None:
    events = [thin(number) for number in range(100)]
    with Tail(broker.bootstrap, "hubspot.contacts") as tail:
        answer = hubspot(ingest, events)
        records = tail.take(100)
    assert answer.status == 200
    assert answer.json == {"status": "ok", "published": 100, "failed": 0, "dead_letters": 0}
    landed = [json.loads(record.value) for record in records]
    assert sorted(landed, key=lambda event: int(event["eventId"])) == events
    for object_id in range(1000, 1010):
        numbers = [event["eventId"] for event in landed if event["objectId"] == object_id]
        assert numbers == sorted(numbers)
    for record, event in zip(records, landed, strict=True):
        headers = read(record.headers.items())
        assert headers["ce_id"] == f"62515-7-{event['eventId']}"
        assert record.key == str(event["objectId"]).encode()


def test_events_of_several_kinds_reach_their_topics(
    broker: BrokerProcess, ingest: IngestProcess
) -> None:
    kinds = {
        "hubspot.companies": "company.creation",
        "hubspot.deals": "deal.deletion",
        "hubspot.events": "ticket.creation",
    }
    tails = {topic: Tail(broker.bootstrap, topic) for topic in kinds}
    answer = hubspot(
        ingest, [thin(n, subscriptionType=kind) for n, kind in enumerate(kinds.values())]
    )
    assert answer.json["published"] == 3
    for topic, tail in tails.items():
        with tail:
            [record] = tail.take(1)
        assert json.loads(record.value)["subscriptionType"] == kinds[topic]


def test_too_many_events_are_refused_as_a_whole_and_kept(
    broker: BrokerProcess, ingest: IngestProcess
) -> None:
    with Tail(broker.bootstrap, DEAD_LETTERS) as tail:
        answer = hubspot(ingest, [thin(number) for number in range(101)])
        tail.take(1)
    assert answer.status == 400
    assert answer.json["type"] == "/docs#too-many-events"


def test_a_lone_event_and_an_empty_array_are_fine(ingest: IngestProcess) -> None:
    assert hubspot(ingest, thin(1)).json["published"] == 1
    assert hubspot(ingest, []).json["published"] == 0


def test_the_address_is_the_public_one(ingest: IngestProcess) -> None:
    refused = hubspot(ingest, [thin(1)], base=f"http://127.0.0.1:{ingest.port}")
    assert refused.status == 401
    assert "public base URL" in refused.json["detail"]


@pytest.mark.parametrize("example", MAILCHIMP.examples, ids=lambda example: example.name)
def test_every_example_of_mailchimps_is_on_its_topic(
    broker: BrokerProcess, ingest: IngestProcess, example: Any
) -> None:
    [expected] = example.becomes
    with Tail(broker.bootstrap, expected.topic) as tail:
        answer = ingest.post(example.path, example.body, example.headers)
        [record] = tail.take(1)
    assert answer.status == 200
    assert answer.json["topic"] == expected.topic
    assert record.key == expected.key.encode()
    value = json.loads(record.value)
    assert value.get("data") is not None or record.value == example.body


def test_the_vendor_may_try_the_address(ingest: IngestProcess) -> None:
    secret = f"?secret={MAILCHIMP_SECRET}"
    for answer in (
        ingest.get(MAILCHIMP_PATH),
        ingest.get(MAILCHIMP_PATH + secret),
        ingest.post(MAILCHIMP_PATH + secret, b"", FORM),
    ):
        assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert ingest.post(MAILCHIMP_PATH + "?secret=wrong", b"", FORM).status == 401
    assert ingest.get(HUBSPOT).status == 405


@pytest.mark.parametrize(
    ("query", "says"),
    [("", "Missing secret query parameter"), ("?secret=", "Missing"), ("?secret=x", "Invalid")],
)
def test_without_the_secret_nobody_is_let_in(ingest: IngestProcess, query: str, says: str) -> None:
    answer = ingest.post(MAILCHIMP_PATH + query, b"type=subscribe", FORM)
    assert answer.status == 401
    assert says in answer.json["detail"]


def test_a_form_that_contradicts_itself_is_kept_as_it_came(
    broker: BrokerProcess, ingest: IngestProcess
) -> None:
    body = b"type=subscribe&data=1&data[email]=ada%40example.com"
    with Tail(broker.bootstrap, DEAD_LETTERS) as tail:
        answer = ingest.post(f"{MAILCHIMP_PATH}?secret={MAILCHIMP_SECRET}", body, FORM)
        [letter] = tail.take(1)
    assert answer.status == 400
    assert answer.json["type"] == "/docs#invalid-form"
    assert b"invalid_form" in letter.value


def test_an_event_of_any_sender(broker: BrokerProcess, ingest: IngestProcess) -> None:
    body = b'{"type":"contact.created","data":{"id":"c-1"}}'
    secret = SECRETS["BERGLINE_INGEST_STANDARD_SECRETS"]
    signed = standard_signature(body, identity="msg_1", secret=secret)
    with Tail(broker.bootstrap, "standard.events") as tail:
        answer = ingest.post(STANDARD, body, signed)
        [record] = tail.take(1)
    assert answer.status == 200
    assert (record.key, record.value) == (b"c-1", body)
    assert read(record.headers.items())["ce_id"] == "msg_1"
    assert ingest.post(STANDARD, body + b" ", signed).status == 401


def test_no_secret_is_logged_or_counted(ingest: IngestProcess) -> None:
    ingest.post(f"{MAILCHIMP_PATH}?secret={MAILCHIMP_SECRET}", b"type=x", FORM)
    ingest.get(f"{MAILCHIMP_PATH}/nowhere?secret={MAILCHIMP_SECRET}")
    ingest.request("PUT", f"{MAILCHIMP_PATH}?secret={MAILCHIMP_SECRET}")
    refused = ingest.get(f"/nowhere?secret={MAILCHIMP_SECRET}")
    assert MAILCHIMP_SECRET not in refused.body.decode()
    shown = ingest.log() + ingest.get("/metrics").body.decode() + ingest.get("/info").body.decode()
    assert "request" in shown, "the access log is on"
    for secret in SECRETS.values():
        assert secret not in shown
    assert "?secret" not in shown
    assert "unhandled exception" not in shown
