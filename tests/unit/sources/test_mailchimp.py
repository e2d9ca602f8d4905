"""Mailchimp's events: forms and flat JSON come out alike, and nothing received is changed."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from shared.sources.mailchimp.members import fired_moment, member_hash
from shared.sources.mailchimp.reading import ENTITIES, LARGEST_NESTED, read
from shared.sources.mailchimp.source import SOURCE
from shared.sources.spec import Delivery, Fault, Malformed

FIRED = "2009-03-26 21:35:57"
MOMENT = datetime(2009, 3, 26, 21, 35, 57, tzinfo=UTC)
WRITTEN = "2009-03-26T21:35:57.000000Z"
ADA = "3e3417d7ef77d5932a6734b916515ed5"
MEMBER = {
    "id": "8a25ff1d98",
    "list_id": "a6b5da1054",
    "email": "Ada@Example.com",
    "email_type": "html",
    "ip_opt": "10.20.10.30",
    "merges": {"EMAIL": "Ada@Example.com", "FNAME": "Ada", "PHONE": "+15551234567"},
}


def delivered(payload: dict[str, Any]) -> tuple[Delivery, dict[str, Any]]:
    """The delivery, and what its record holds."""
    body = orjson.dumps(payload)
    delivery = read({}, payload, body)
    return delivery, orjson.loads(delivery.value or body)


def form(event_type: str, data: dict[str, Any], **more: Any) -> tuple[Delivery, dict[str, Any]]:
    return delivered({"type": event_type, "fired_at": FIRED, "data": data, **more})


def test_a_new_member() -> None:
    delivery, record = form("subscribe", MEMBER)
    assert delivery.topic == "mailchimp.subscribers"
    assert delivery.key == ADA
    assert delivery.event_type == "subscribe"
    assert delivery.event_time == MOMENT
    assert record == {
        "type": "subscribe",
        "fired_at": FIRED,
        "data": MEMBER,
        "subscriber_id": ADA,
        "email_address": "Ada@Example.com",
        "status": "subscribed",
        "merge_fields": MEMBER["merges"],
        "email_type": "html",
        "list_id": "a6b5da1054",
        "ip_opt": "10.20.10.30",
        "phone": "+15551234567",
        "last_changed": WRITTEN,
        "timestamp_signup": WRITTEN,
    }


@pytest.mark.parametrize(
    ("event_type", "status"),
    [("unsubscribe", "unsubscribed"), ("cleaned", "cleaned"), ("profile", None), ("upemail", None)],
)
def test_what_is_known_of_a_members_status(event_type: str, status: str | None) -> None:
    _, record = form(event_type, MEMBER | {"new_email": "ada@example.com"})
    assert record.get("status") == status
    assert "timestamp_signup" not in record
    assert record["last_changed"] == WRITTEN


def test_a_changed_address_is_the_new_members_and_names_the_old() -> None:
    delivery, record = form(
        "upemail",
        {
            "list_id": "a",
            "new_id": "51da8c3259",
            "new_email": "ada@example.com",
            "old_email": "augusta@example.com",
        },
    )
    assert delivery.key == record["subscriber_id"] == ADA
    assert record["email_address"] == "ada@example.com"
    assert record["data"]["old_email"] == "augusta@example.com"


def test_a_time_that_is_none_is_kept_as_it_is_for_its_columns_to_tell() -> None:
    delivery, record = form("subscribe", MEMBER, fired_at="0000-00-00 00:00:00")
    assert delivery.event_time is None
    assert record["last_changed"] == record["timestamp_signup"] == "0000-00-00 00:00:00"
    _, record = delivered({"type": "subscribe", "data": MEMBER})
    assert "last_changed" not in record


@pytest.mark.parametrize(("status", "sent"), [("sent", WRITTEN), ("canceled", None)])
def test_a_campaign(status: str, sent: str | None) -> None:
    data = {"id": "5aa2102003", "subject": "Hello", "status": status, "list_id": "a6b5da1054"}
    delivery, record = form("campaign", data)
    assert (delivery.topic, delivery.key) == ("mailchimp.campaigns", "5aa2102003")
    assert record["campaign_id"] == "5aa2102003"
    assert record["subject_line"] == "Hello"
    assert record["status"] == status
    assert record["list_id"] == "a6b5da1054"
    assert record.get("send_time") == sent


def test_a_nested_engagement_event() -> None:
    delivery, record = form("open", {"email": "ada@example.com", "campaign_id": "c1", "ip": "::1"})
    assert (delivery.topic, delivery.key) == ("mailchimp.events", ADA)
    assert record["action"] == "open"
    assert record["timestamp"] == WRITTEN
    assert record["campaign_id"] == "c1"
    assert record["ip"] == "::1"


@pytest.mark.parametrize(
    ("topic", "event_type"),
    [(entity.topic, event_type) for entity in ENTITIES for event_type in entity.event_types],
)
def test_every_type_has_its_topic(topic: str, event_type: str) -> None:
    data = MEMBER | {"new_email": "ada@example.com"}
    for nested, _ in (
        form(event_type, data),
        delivered({"_webhook_event_type": event_type, "campaign_id": 1, "email_address": "a@b"}),
    ):
        assert (nested.topic, nested.event_type, nested.expected) == (topic, event_type, True)


def test_flat_json_is_kept_byte_for_byte() -> None:
    body = b'{"subscriber_id" : "x","email_address":"ADA@example.com ","_webhook_event_type":'
    body += b'"profile","last_changed":"2009-03-26T22:35:57+01:00"}'
    delivery = read({}, orjson.loads(body), body)
    assert delivery.value is None
    assert delivery.key == ADA, "of the address: nested and flat events of a member are in order"
    assert delivery.event_time == MOMENT


def test_flat_engagement_events_have_an_id_of_their_own() -> None:
    event = {"event_id": "evt_000000000001", "action": "click", "campaign_id": "000000000a"}
    delivery, record = delivered(event)
    assert delivery.event_id == "evt_000000000001"
    assert delivery.event_type == "click"
    assert delivery.key == "000000000a"
    assert record == event


def test_the_type_is_the_vendors_word_for_it_first() -> None:
    _, record = form("cleaned", MEMBER, _webhook_event_type="subscribe", action="open")
    assert record["status"] == "cleaned"


@pytest.mark.parametrize("event_type", ["mandrill", "Subscribe"])
def test_unknown_types_are_kept_and_counted(event_type: str) -> None:
    delivery, record = form(event_type, {})
    assert (delivery.topic, delivery.expected) == ("mailchimp.events", False)
    assert delivery.key == delivery.event_id
    assert record["action"] == event_type


def test_what_was_sent_is_never_replaced() -> None:
    _, record = form("subscribe", MEMBER, status="pending", email_address=None)
    assert record["status"] == "pending"
    assert record["email_address"] is None
    assert record["data"] == MEMBER


def test_the_bytes_received_stand_at_the_beginning_of_the_record() -> None:
    body = b' {"type":"cleaned", "n":1.50,"data":{"email":"ada@example.com"}  }\n'
    value = read({}, orjson.loads(body), body).value
    assert value is not None
    assert value.startswith(body.rstrip()[:-1])
    assert orjson.loads(value)["subscriber_id"] == ADA


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param({}, True, id="again"),
        pytest.param({"data": MEMBER | {"web_id": "9"}}, True, id="other fields"),
        pytest.param({"fired_at": "2009-03-26 21:35:58"}, False, id="another time"),
        pytest.param({"type": "profile"}, False, id="another type"),
        pytest.param({"data": MEMBER | {"list_id": "b"}}, False, id="another audience"),
        pytest.param({"data": MEMBER | {"email": "b@example.com"}}, False, id="another member"),
    ],
)
def test_a_redelivery_has_the_same_event_id(changed: dict[str, Any], same: bool) -> None:
    event = {"type": "subscribe", "fired_at": FIRED, "data": MEMBER}
    (first, _), (second, _) = delivered(event), delivered(event | changed)
    assert (first.event_id == second.event_id) is same


@pytest.mark.parametrize(
    ("payload", "fault", "topic"),
    [
        pytest.param({}, Fault.INVALID_EVENT, None, id="no type"),
        pytest.param({"type": ""}, Fault.INVALID_EVENT, None, id="empty type"),
        pytest.param({"type": ["subscribe"]}, Fault.INVALID_EVENT, None, id="type of a wrong type"),
        pytest.param(
            {"type": "subscribe"}, Fault.MISSING_ID, "mailchimp.subscribers", id="no member"
        ),
        pytest.param(
            {"type": "subscribe", "data": {"email": " "}},
            Fault.MISSING_ID,
            "mailchimp.subscribers",
            id="blank address",
        ),
        pytest.param(
            {"type": "campaign", "data": {"id": {}}},
            Fault.MISSING_ID,
            "mailchimp.campaigns",
            id="campaign without an id",
        ),
        pytest.param(
            {"type": "open", "data": {"x": "x" * LARGEST_NESTED}},
            Fault.INVALID_EVENT,
            "mailchimp.events",
            id="too large",
        ),
    ],
)
def test_malformed(payload: dict[str, Any], fault: Fault, topic: str | None) -> None:
    with pytest.raises(Malformed) as malformed:
        delivered(payload)
    assert malformed.value.fault is fault
    assert malformed.value.topic == topic


def test_what_is_nested_too_deeply_to_be_written_is_malformed() -> None:
    merges = b'{"a":' * 400 + b"1" + b"}" * 400
    body = b'{"type":"profile","data":{"email":"ada@example.com","merges":' + merges + b"}}"
    with pytest.raises(Malformed, match="too deeply"):
        read({}, orjson.loads(body), body)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (FIRED, MOMENT),
        ("2009-03-26T21:35:57", MOMENT),
        ("2009-03-26T23:35:57+02:00", MOMENT),
        ("2009-03-26", datetime(2009, 3, 26, tzinfo=UTC)),
        ("26.03.2009", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1238103357, None),
        (None, None),
    ],
)
def test_times_without_an_offset_are_utc(text: object, moment: datetime | None) -> None:
    assert fired_moment(text) == moment


@pytest.mark.parametrize("email", ["ada@example.com", " Ada@Example.COM\n"])
def test_a_member_is_the_hash_of_the_address_in_lower_case(email: str) -> None:
    assert member_hash(email) == ADA


@pytest.mark.parametrize("email", [None, "", "  ", 7, ["ada@example.com"]])
def test_what_is_no_address_is_no_member(email: object) -> None:
    assert member_hash(email) is None


def test_every_type_of_the_vendors_forms_has_an_example() -> None:
    shown = {example.name for example in SOURCE.examples}
    assert {"subscribe", "unsubscribe", "profile", "upemail", "cleaned", "campaign"} <= shown
