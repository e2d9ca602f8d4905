"""The help desk's tickets: about people whom others know, forward only, signed by their id."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from itertools import islice

import pytest
from pydantic import SecretStr

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.happenings import TOPICS
from deploy.generator.plan import stream
from deploy.generator.signing import Signer

DELIVERIES = list(islice(stream(4, topics=["standard.events"]), 1_500))


def test_a_ticket_goes_from_open_to_closed_and_nothing_follows_its_deletion() -> None:
    statuses: dict[str, list[str]] = defaultdict(list)
    for delivery in DELIVERIES:
        if delivery.kind in {Kind.REDELIVERY, Kind.OUT_OF_ORDER}:
            continue
        event = json.loads(delivery.body)
        known = statuses[event["data"]["id"]]
        assert "closed" not in known or event["type"] == "ticket.deleted"
        assert "deleted" not in known
        known.append(event["data"].get("status", "deleted"))
    assert all(known[0] == "open" for known in statuses.values())
    assert {status for known in statuses.values() for status in known} == {
        "open", "pending", "solved", "closed", "deleted",
    }  # fmt: skip


def test_an_event_tells_its_time_type_and_thing() -> None:
    for delivery in DELIVERIES:
        event = json.loads(delivery.body)
        assert event["type"] == delivery.event_type
        assert datetime.fromisoformat(event["timestamp"]).tzinfo == UTC
        assert event["data"]["id"] == delivery.subject


def test_its_people_are_those_of_other_vendors_too() -> None:
    everything = islice(stream(4, topics=TOPICS), 3_000)
    known: set[str] = set()
    met = 0
    for delivery in everything:
        event = json.loads(delivery.body) if delivery.body[:1] == b"{" else {}
        if delivery.event_type == "customers/create":
            known.add(event["email"].strip().lower())
        elif delivery.event_type == "ticket.created":
            met += event["data"]["requester"]["email"].strip().lower() in known
    assert met > 3


@pytest.mark.parametrize("kind", [Kind.CREATION, Kind.REDELIVERY])
def test_the_id_that_is_signed_is_the_events_and_stays_the_same(kind: Kind) -> None:
    delivery: Delivery = next(each for each in DELIVERIES if each.kind is kind)
    signer = Signer({"standard": SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
    first = signer.signed(delivery, 1_700_000_000)[1]
    later = signer.signed(delivery, 1_700_000_060)[1]

    assert first["webhook-id"] == later["webhook-id"] == delivery.event_id
    assert first["webhook-signature"] != later["webhook-signature"]
