"""What is answered to a request, by what becomes of each event in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from services.ingest.admission import Admission, Hold
from services.ingest.answer import Answer
from services.ingest.config import IngestSettings
from services.ingest.gate import SourceGate
from services.ingest.intake import Intake
from services.ingest.outlet import Outlet
from services.ingest.publisher import Publisher
from services.ingest.refusals import Refusals
from services.ingest.samples import Samples
from services.ingest.telemetry import Telemetry
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime.errors import Unavailable
from shared.runtime.metrics import Instruments
from shared.sources.signing import BodyHmac
from shared.sources.spec import (
    Body,
    Delivery,
    Endpoint,
    Entity,
    Fault,
    Headers,
    Malformed,
    Payload,
    RawTable,
    SourceSpec,
)

TOPIC = "some.things"


def read(headers: Headers, payload: Payload, body: bytes) -> Delivery | Sequence[Delivery]:
    if "several" in payload:
        return [of(f"{number}") for number in range(payload["several"])]
    if "id" not in payload:
        raise Malformed(Fault.MISSING_ID, "no id")
    if payload["id"] == "bug":
        raise ZeroDivisionError
    return of(payload["id"])


def of(key: str) -> Delivery:
    topic = "some.others" if key == "elsewhere" else TOPIC
    value = b'{"made":1}' if key == "made" else None
    if key == "text":
        value = cast("bytes", "text")
    return Delivery(topic, key, f"event-{key}", "made", None, {"event_id": key}, value=value)


@dataclass
class Broker:
    """Stands for the publisher: keeps what is published, answers when told."""

    sent: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    waiting: list[tuple[Hold, Callable[[Unavailable | None], None]]] = field(default_factory=list)
    away_after: int = 1000

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Callable[[], object],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
        source: str | None = None,
    ) -> None:
        if len(self.sent) >= self.away_after:
            raise Unavailable("the broker is away")
        hold.lend()
        headers()
        self.sent.append((topic, key, value))
        self.waiting.append((hold, settled))

    def settle(self, *failures: int) -> None:
        """Answer everything; those at these places fail."""
        for number, (hold, settled) in enumerate(self.waiting):
            settled(Unavailable("too slow") if number in failures else None)
            hold.give_back()
        self.waiting.clear()

    @property
    def values(self) -> list[bytes]:
        return [value for topic, _, value in self.sent if topic == TOPIC]

    @property
    def dead_letters(self) -> int:
        return sum(topic == DEAD_LETTERS for topic, _, _ in self.sent)


class Requests:
    """Requests to one endpoint."""

    def __init__(self, *bodies: Body, probed: bool = False) -> None:
        endpoint = Endpoint(
            path="/webhooks/some/things",
            summary="Any.",
            topics=(TOPIC,),
            read=read,
            bodies=bodies,
            probed=probed,
            events_limit=5,
        )
        table = RawTable("raw.some_things", "Things.", ())
        source = SourceSpec(
            name="shopify",
            title="Some",
            signature=BodyHmac("X-Signature"),
            endpoints=(endpoint,),
            entities=(Entity(topic=TOPIC, key="id", description="Things.", table=table),),
        )
        settings = IngestSettings(ingest_skip_signature_validation=True)
        self.broker = Broker()
        self.admission = Admission(10, 1000)
        self.room = self.admission.room(source.name)
        telemetry = Telemetry(Instruments("ingest"))
        gate = SourceGate(source, settings)
        outlet = Outlet(endpoint, source, cast("Publisher", self.broker), telemetry)
        shape = settings.shape(source.name, endpoint.events_limit)
        refusals = Refusals(telemetry, Samples())
        self.intake = Intake(endpoint, gate, shape, self.room, outlet, refusals)
        self.answers: list[Answer] = []

    def post(self, body: bytes, content_type: str = "application/json") -> None:
        with self.room.hold() as hold:
            hold.grow(len(body))
            self.intake.take_in({"Content-Type": content_type}, body, hold, self.answers.append)

    @property
    def answer(self) -> tuple[int, dict[str, Any]]:
        [answer] = self.answers
        return answer.status, json.loads(answer.body)

    @property
    def is_all_given_back(self) -> bool:
        return (self.admission.deliveries, self.admission.bytes) == (0, 0)


def test_an_array_is_answered_once_when_all_of_it_is_there() -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b'[{"id":"a"}, {"id":"b", "n":1.0}]')
    assert requests.answers == []
    requests.broker.settle()
    assert requests.broker.values == [b'{"id":"a"}', b'{"id":"b", "n":1.0}']
    assert requests.answer == (
        200,
        {"status": "ok", "published": 2, "failed": 0, "dead_letters": 0},
    )
    assert requests.is_all_given_back


@pytest.mark.parametrize("failures", [(0,), (1,), (2,), (0, 1, 2)])
def test_one_event_that_is_not_there_makes_the_vendor_repeat_all(failures: tuple[int, ...]) -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b'[{"id":"a"},{"id":"b"},{"id":"c"}]')
    requests.broker.settle(*failures)
    status, document = requests.answer
    assert (status, document["type"]) == (503, "/docs#broker-unavailable")
    assert requests.answers[0].headers["Retry-After"]
    assert requests.is_all_given_back


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_broker_that_leaves_amid_an_array_is_told_once(taken: int) -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.broker.away_after = taken
    requests.post(b'[{"id":"a"},{"id":"b"},{"id":"c"}]')
    requests.broker.settle()
    assert requests.answer[0] == 503
    assert requests.is_all_given_back


def test_an_element_that_is_no_event_is_a_dead_letter_beside_the_others() -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b'[{"id":"a"}, 7, {"no":1}]')
    requests.broker.settle()
    assert requests.answer == (
        200,
        {"status": "ok", "published": 1, "failed": 0, "dead_letters": 2},
    )
    assert (requests.broker.values, requests.broker.dead_letters) == ([b'{"id":"a"}'], 2)


def test_an_array_without_any_event_is_refused_and_kept() -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b'[{"no":1},7]')
    requests.broker.settle()
    status, document = requests.answer
    assert status == 400
    assert document["type"] in ("/docs#missing-id", "/docs#not-an-object")
    assert requests.broker.dead_letters == 2


def test_an_empty_array_is_all_there() -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b"[]")
    assert requests.answer[1]["published"] == 0
    assert requests.is_all_given_back


def test_an_array_as_a_whole_is_kept_when_it_is_none() -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b"[{},{},{},{},{},{}]")
    requests.broker.settle()
    status, document = requests.answer
    assert (status, document["type"]) == (400, "/docs#too-many-events")
    assert requests.broker.dead_letters == 1


def test_an_array_larger_than_the_room_is_refused() -> None:
    requests = Requests(Body.JSON_EVENTS)
    element = b'{"id":"a","n":"%b"}' % (b"x" * 170)
    requests.post(b"[%b]" % b",".join([element] * 4))
    requests.broker.settle()
    status, document = requests.answer
    assert (status, document["type"]) == (503, "/docs#overloaded")
    assert requests.is_all_given_back


def test_a_reader_that_fails_leaves_nothing_half_published() -> None:
    requests = Requests(Body.JSON_EVENTS)
    requests.post(b'[{"id":"a"},{"id":"bug"}]')
    assert requests.answer[0] == 500
    assert requests.broker.sent == []
    assert requests.is_all_given_back


def test_a_reader_that_names_a_topic_of_somebody_else_is_our_fault() -> None:
    requests = Requests(Body.JSON)
    requests.post(b'{"id":"elsewhere"}')
    assert requests.answer[0] == 500
    assert requests.broker.sent == []


def test_a_reader_that_gives_text_where_bytes_belong_is_our_fault() -> None:
    """Nothing of it reaches a lane, which others' records are in, too."""
    requests = Requests(Body.JSON)
    requests.post(b'{"id":"text"}')
    assert requests.answer[0] == 500
    assert requests.broker.sent == []
    assert requests.is_all_given_back


def test_one_event_may_be_several_deliveries() -> None:
    requests = Requests(Body.JSON)
    requests.post(b'{"several":3}')
    requests.broker.settle()
    assert requests.answer[1]["published"] == 3
    assert requests.broker.values == [b'{"several":3}'] * 3


def test_a_reader_may_give_the_value() -> None:
    requests = Requests(Body.JSON)
    requests.post(b'{"id":"made"}')
    requests.broker.settle()
    assert requests.broker.values == [b'{"made":1}']
    assert requests.answer[0] == 200


def test_a_form_is_kept_as_json_and_refused_as_it_came() -> None:
    requests = Requests(Body.JSON, Body.FORM)
    requests.post(b"id=a&data[n]=1", "application/x-www-form-urlencoded")
    requests.broker.settle()
    assert requests.broker.values == [b'{"id":"a","data":{"n":"1"}}']
    assert requests.answer[1]["topic"] == TOPIC


def test_an_empty_body_is_an_answer_where_the_vendor_tries_the_address() -> None:
    requests = Requests(Body.JSON, probed=True)
    requests.post(b"")
    assert requests.answer == (200, {"status": "ok"})
    assert requests.broker.sent == []


def test_it_is_malformed_elsewhere() -> None:
    requests = Requests(Body.JSON)
    requests.post(b"")
    requests.broker.settle()
    assert requests.answer[1]["type"] == "/docs#invalid-json"
