"""HubSpot's events: the type names the topic, an object the key, and three ids the event."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from shared.sources.hubspot.reading import ENTITIES, read
from shared.sources.hubspot.source import SOURCE
from shared.sources.spec import Delivery, Fault, Malformed

THIN: dict[str, Any] = {
    "eventId": 3181526809,
    "subscriptionId": 12345,
    "portalId": 62515,
    "appId": 54321,
    "occurredAt": 1699999999123,
    "subscriptionType": "contact.propertyChange",
    "attemptNumber": 0,
    "objectId": 1246965,
    "propertyName": "lifecyclestage",
    "propertyValue": "subscriber",
    "changeSource": "CRM",
}


def delivery(**changed: Any) -> Delivery:
    payload = {name: value for name, value in (THIN | changed).items() if value is not None}
    return read({}, payload, orjson.dumps(payload))


def test_a_thin_event() -> None:
    read_ = delivery()
    assert read_.topic == "hubspot.contacts"
    assert read_.key == "1246965"
    assert read_.event_id == "62515-12345-3181526809"
    assert read_.event_type == "contact.propertyChange"
    assert read_.event_time == datetime(2023, 11, 14, 22, 13, 19, 123000, tzinfo=UTC)
    assert read_.value is None, "the record is the event byte for byte"
    assert read_.expected


@pytest.mark.parametrize(
    ("entity", "event_type"),
    [(entity, event_type) for entity in ENTITIES for event_type in entity.event_types],
)
def test_every_type_has_its_topic(entity: Any, event_type: str) -> None:
    read_ = delivery(subscriptionType=event_type)
    assert (read_.topic, read_.event_type, read_.expected) == (entity.topic, event_type, True)


@pytest.mark.parametrize("thing", ["contact", "company", "deal"])
def test_the_types_of_the_vendors_list_are_known(thing: str) -> None:
    changes = {"creation", "deletion", "propertyChange", "merge", "restore", "associationChange"}
    known = {event_type for entity in ENTITIES for event_type in entity.event_types}
    assert {f"{thing}.{change}" for change in changes} <= known
    assert "contact.privacyDeletion" in known


@pytest.mark.parametrize(
    ("type_id", "topic", "thing"),
    [
        ("0-1", "hubspot.contacts", "contact"),
        ("0-2", "hubspot.companies", "company"),
        ("0-3", "hubspot.deals", "deal"),
        ("0-5", "hubspot.events", "object"),
        (None, "hubspot.events", "object"),
        (["0-1"], "hubspot.events", "object"),
    ],
)
def test_generic_types_are_another_spelling(type_id: object, topic: str, thing: str) -> None:
    read_ = delivery(subscriptionType="object.propertyChange", objectTypeId=type_id)
    assert (read_.topic, read_.event_type) == (topic, f"{thing}.propertyChange")


@pytest.mark.parametrize("event_type", ["ticket.creation", "contact.unheardOf", "object", "", None])
def test_unknown_types_are_kept_and_counted(event_type: str | None) -> None:
    read_ = delivery(subscriptionType=event_type)
    assert (read_.topic, read_.expected) == ("hubspot.events", False)
    assert read_.event_type == (event_type or "unknown")


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ({"objectId": "100000"}, "100000"),
        ({"objectId": 1, "id": "7"}, "7"),
        ({"objectId": 1, "hs_object_id": "8"}, "8"),
        ({"objectId": 1, "properties": {"hs_object_id": "9"}}, "9"),
        ({"objectId": 1, "properties": "none"}, "1"),
        ({"objectId": None, "newObjectId": 3, "primaryObjectId": 2}, "3"),
        ({"objectId": None, "primaryObjectId": 2, "mergedObjectIds": [1]}, "2"),
        ({"objectId": None, "fromObjectId": 5, "toObjectId": 6}, "5"),
    ],
)
def test_the_key_is_the_object(ids: dict[str, Any], key: str) -> None:
    assert delivery(**ids).key == key


@pytest.mark.parametrize("object_id", [None, "", " ", "\n", "x" * 257, 1.5, True, [1], {}])
def test_without_an_object_an_event_of_one_is_malformed(object_id: object) -> None:
    with pytest.raises(Malformed, match="needs objectId") as malformed:
        delivery(objectId=object_id)
    assert malformed.value.fault is Fault.MISSING_ID
    assert malformed.value.topic == "hubspot.contacts"
    other = delivery(objectId=object_id, subscriptionType="conversation.creation")
    assert other.key == other.event_id


@pytest.mark.parametrize("changed", [{}, {"eventId": None}], ids=["with ids", "without"])
def test_every_attempt_has_the_same_event_id(changed: dict[str, Any]) -> None:
    first, second, other = (
        delivery(**changed, attemptNumber=0),
        delivery(**changed, attemptNumber=12),
        delivery(**changed, attemptNumber=0, subscriptionId=999),
    )
    assert first.event_id == second.event_id != other.event_id


def test_an_event_id_alone_is_not_unique() -> None:
    one, other = (delivery(portalId=None, eventId=1, objectId=number) for number in (42, 43))
    assert one.event_id != other.event_id


@pytest.mark.parametrize("time", [None, "now", "1e12", 10**18, -(10**18), True, 1.5, {}, 1e300])
def test_a_time_that_is_none_is_unknown(time: object) -> None:
    assert delivery(occurredAt=time).event_time is None


@pytest.mark.parametrize("time", [1699999999123, "1699999999123", 1699999999123.0])
def test_a_time_is_one_however_its_number_is_written(time: object) -> None:
    assert delivery(occurredAt=time).event_time == datetime(2023, 11, 14, 22, 13, 19, 123000, UTC)


def test_columns_of_the_three_objects_read_the_properties() -> None:
    paths = {
        column.name: column.path
        for entity in SOURCE.entities[:3]
        for column in entity.table.columns
    }
    assert paths["email"] == ("properties", "email")
    assert paths["amount"] == ("properties", "amount")
    assert paths["annualrevenue"] == ("properties", "annualrevenue")
    assert paths["object_id"] == ("objectId",)
