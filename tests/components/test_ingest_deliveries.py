"""A delivery that was answered 2xx is on its topic, byte for byte, under its envelope."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from shared.contracts.dead_letters import DeadLetter
from shared.contracts.envelope import read
from shared.contracts.topics import DEAD_LETTERS
from tests.support.arrivals import Tail, create_topics
from tests.support.broker import BrokerProcess, running
from tests.support.ingest import IngestProcess
from tests.support.vendor_signatures import shopify_signature, stripe_signature

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


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
    with IngestProcess(directory, broker.bootstrap) as process:
        process.wait_ready()
        yield process


def test_a_shopify_delivery(broker: BrokerProcess, ingest: IngestProcess) -> None:
    body = '{ "id": 4000000000,\n "name": "#1001 é", "updated_at": "2024-01-15T10:30:00-05:00" }'
    raw = body.encode()
    with Tail(broker.bootstrap, "shopify.orders") as tail:
        answer = ingest.post(
            "/webhooks/shopify/orders",
            raw,
            {
                **shopify_signature(raw),
                "X-Shopify-Topic": "orders/updated",
                "X-Shopify-Event-Id": "event-1",
                "X-Shopify-Webhook-Id": "webhook-1",
                "X-Shopify-Shop-Domain": "ada.example",
                "X-Shopify-API-Version": "2024-10",
                "traceparent": TRACE,
            },
        )
        (message,) = tail.take(1)
    assert answer.status == 200
    delivery_id = answer.json["delivery_id"]
    assert answer.json == {
        "status": "ok",
        "topic": "shopify.orders",
        "id": "4000000000",
        "event_id": "event-1",
        "delivery_id": delivery_id,
    }
    assert message.value == raw
    assert message.key == b"4000000000"
    headers = read(message.headers.items())
    received_at = headers.pop("received_at")
    assert received_at.endswith("Z")
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": "event-1",
        "ce_type": "orders/updated",
        "ce_source": "shopify",
        "ce_time": "2024-01-15T15:30:00.000000Z",
        "ce_subject": "4000000000",
        "content-type": "application/json",
        "delivery_id": delivery_id,
        "traceparent": TRACE,
        "ce_shopdomain": "ada.example",
        "ce_apiversion": "2024-10",
        "ce_webhookid": "webhook-1",
    }


def test_a_stripe_delivery(broker: BrokerProcess, ingest: IngestProcess) -> None:
    event = {
        "id": "evt_1",
        "type": "charge.refunded",
        "created": 1_700_000_000,
        "livemode": True,
        "api_version": "2024-12-18.acacia",
        "data": {"object": {"id": "ch_1"}, "previous_attributes": {"refunded": False}},
    }
    raw = json.dumps(event, indent=1).encode()
    with Tail(broker.bootstrap, "stripe.charges") as tail:
        answer = ingest.post("/webhooks/stripe/webhook", raw)
        (message,) = tail.take(1)
    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "topic": "stripe.charges",
        "event_id": "evt_1",
        "delivery_id": answer.json["delivery_id"],
    }
    assert message.value == raw
    assert message.key == b"ch_1"
    headers = read(message.headers.items())
    assert headers["ce_id"] == "evt_1"
    assert headers["ce_type"] == "charge.refunded"
    assert headers["ce_time"] == "2023-11-14T22:13:20.000000Z"
    assert (headers["ce_livemode"], headers["ce_apiversion"]) == ("true", "2024-12-18.acacia")


def test_the_official_sdk_reads_the_record(broker: BrokerProcess, ingest: IngestProcess) -> None:
    raw = b'{"id":77,"email":"ada@example.com"}'
    with Tail(broker.bootstrap, "shopify.customers") as tail:
        ingest.post(
            "/webhooks/shopify/customers",
            raw,
            {**shopify_signature(raw), "X-Shopify-Topic": "customers/create"},
        )
        (message,) = tail.take(1)
    record = KafkaMessage(message.headers, message.key, message.value)
    event = from_binary(record, JSONFormat())
    assert event.get_id() == message.headers["ce_id"].decode()
    assert event.get_type() == "customers/create"
    assert event.get_source() == "shopify"
    assert event.get_subject() == "77"
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == {"id": 77, "email": "ada@example.com"}


def test_the_versions_of_one_object_stay_in_order(
    broker: BrokerProcess, ingest: IngestProcess
) -> None:
    bodies = [b'{"id":5,"version":%d}' % version for version in range(20)]
    with Tail(broker.bootstrap, "shopify.products") as tail:
        for body in bodies:
            assert ingest.post("/webhooks/shopify/products", body).status == 200
        messages = tail.take(len(bodies))
    assert len({message.partition for message in messages}) == 1
    assert [message.value for message in messages] == bodies


@pytest.mark.parametrize(
    ("path", "body", "reason", "topic"),
    [
        ("/webhooks/shopify/orders", b"not json \xff", "invalid_json", "shopify.orders"),
        ("/webhooks/shopify/orders", b"[1]", "not_an_object", "shopify.orders"),
        ("/webhooks/shopify/customers", b'{"email":"a"}', "missing_id", "shopify.customers"),
        ("/webhooks/stripe/webhook", b"{", "invalid_json", "stripe.events"),
        (
            "/webhooks/stripe/webhook",
            b'{"id":"evt_2","type":"charge.failed","data":null}',
            "missing_object",
            "stripe.charges",
        ),
    ],
)
def test_a_signed_delivery_that_cannot_be_used_is_kept_before_it_is_refused(
    broker: BrokerProcess, ingest: IngestProcess, path: str, body: bytes, reason: str, topic: str
) -> None:
    with Tail(broker.bootstrap, DEAD_LETTERS) as tail:
        answer = ingest.post(path, body)
        (message,) = tail.take(1)
    assert answer.status == 400
    letter = DeadLetter.decode(message.value)
    assert letter.value == body
    assert (letter.stage, letter.service) == ("receiving", "ingest")
    assert (letter.reason, letter.topic) == (reason, topic)
    assert answer.json["instance"] == f"urn:uuid:{letter.delivery_id}"
    assert message.key == (letter.delivery_id or "").encode()
    assert not any("signature" in name or "hmac" in name for name in letter.headers)
    line = f'lakehouse_dead_letters_total{{reason="{reason}",service="ingest",topic="{topic}"}}'
    assert ingest.metric(line) >= 1


def test_an_unsigned_delivery_leaves_no_dead_letter(
    broker: BrokerProcess, ingest: IngestProcess
) -> None:
    marker = b"marker"
    with Tail(broker.bootstrap, DEAD_LETTERS) as tail:
        assert ingest.post("/webhooks/shopify/orders", b"forged", {}).status == 401
        assert ingest.post("/webhooks/shopify/orders", marker).status == 400
        (message,) = tail.take(1)
    assert DeadLetter.decode(message.value).value == marker


def test_a_redelivery_has_the_same_event_id_and_another_delivery_id(ingest: IngestProcess) -> None:
    body = b'{"id":9}'
    first, second = (ingest.post("/webhooks/shopify/orders", body).json for _ in range(2))
    assert first["event_id"] == second["event_id"]
    assert first["delivery_id"] < second["delivery_id"]


def test_a_body_near_the_limit_is_kept_whole(broker: BrokerProcess, ingest: IngestProcess) -> None:
    body = b'{"id":6,"note":"%s"}' % (b"x" * (2 * 1024 * 1024 - 64))
    with Tail(broker.bootstrap, "shopify.orders") as tail:
        assert ingest.post("/webhooks/shopify/orders", body).status == 200
        (message,) = tail.take(1)
    assert message.value == body


def test_a_rolled_stripe_secret_needs_both_signatures_only_once(ingest: IngestProcess) -> None:
    body = b'{"id":"evt_3","type":"charge.failed","data":{"object":{"id":"ch_3"}}}'
    old = stripe_signature(body, "whsec_old")["Stripe-Signature"]
    new = stripe_signature(body)["Stripe-Signature"].partition(",")[2]
    answer = ingest.post("/webhooks/stripe/webhook", body, {"Stripe-Signature": f"{old},{new}"})
    assert answer.status == 200


def test_what_was_taken_in_is_counted_and_nothing_of_it_is_logged(ingest: IngestProcess) -> None:
    line = 'lakehouse_events_sent_total{service="ingest",topic="shopify.orders"}'
    request = 'http_requests_total{handler="/webhooks/shopify/orders",method="POST",status="2xx"}'
    sent, answered, log = ingest.metric(line), ingest.metric(request), ingest.log()
    for number in range(3):
        assert ingest.post("/webhooks/shopify/orders", b'{"id":%d}' % number).status == 200
    assert ingest.metric(line) == sent + 3
    assert ingest.metric(request) == answered + 3
    assert ingest.log() == log
