"""Standard Webhooks: nothing about the events is known, and all of them are kept."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.sources.consistency import wrong_alone
from shared.sources.signing import StandardWebhooks
from shared.sources.spec import Delivery
from shared.sources.standard.reading import read
from shared.sources.standard.source import SOURCE, events_source

BODY = b"{}"
EVENT = {
    "type": "contact.created",
    "timestamp": "2022-11-03T20:26:10.344522Z",
    "data": {"id": "1f81eb52"},
}


def delivery(event_id: str | None = "msg_1", **changed: Any) -> Delivery:
    headers = {} if event_id is None else {"webhook-id": event_id}
    return read("acme.events", "webhook-", headers, EVENT | changed, BODY)


def test_an_event() -> None:
    assert delivery() == Delivery(
        topic="acme.events",
        key="1f81eb52",
        event_id="msg_1",
        event_type="contact.created",
        event_time=datetime(2022, 11, 3, 20, 26, 10, 344522, tzinfo=UTC),
        answer={"event_id": "msg_1"},
    )


@pytest.mark.parametrize("data", [None, "text", [], {}, {"id": None}, {"id": {}}])
def test_without_an_id_in_its_data_the_event_is_its_own_key(data: object) -> None:
    assert delivery(data=data).key == "msg_1"


@pytest.mark.parametrize("event_id", [None, "", "\udcff"])
def test_without_an_id_the_body_is_the_id(event_id: str | None) -> None:
    assert delivery(event_id).event_id == hashlib.sha256(BODY).hexdigest()


def test_whatever_is_missing_or_odd_is_unknown() -> None:
    odd = delivery(type=7.5, timestamp="yesterday")
    assert (odd.event_type, odd.event_time) == ("unknown", None)


def test_a_further_source_is_one_line() -> None:
    acme = events_source("acme", "Acme", prefix="svix-", examples=SOURCE.examples)
    assert acme.signature == StandardWebhooks("svix-")
    assert [endpoint.path for endpoint in acme.endpoints] == ["/webhooks/acme/events"]
    assert [entity.table.name for entity in acme.entities] == ["raw.acme_events"]
    complaints = [wrong.what for wrong in wrong_alone(acme)]
    assert complaints == ["there is no example of a request to /webhooks/acme/events"]
