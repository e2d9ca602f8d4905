"""A body is what its endpoint takes, or it is malformed; nothing makes the parsers fall over."""

from typing import Never

import pytest

from services.ingest.limits.shapes import Shape
from services.ingest.payload import Event, Unreadable, events, parse
from shared.sources.spec import Body, Endpoint, Fault, Malformed


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param(b"", Fault.INVALID_JSON, id="empty"),
        pytest.param(b"{", Fault.INVALID_JSON, id="cut off"),
        pytest.param(b"id=1", Fault.INVALID_JSON, id="a form"),
        pytest.param(b'{"id":"\xff"}', Fault.INVALID_JSON, id="not UTF-8"),
        pytest.param(b'{"id":"\\ud800"}', Fault.INVALID_JSON, id="lone surrogate"),
        pytest.param(b'{"id":NaN}', Fault.INVALID_JSON, id="not a number"),
        pytest.param(b"[" * 1_000_000, Fault.TOO_DEEP, id="deep arrays"),
        pytest.param(b'{"a":' * 300_000, Fault.TOO_DEEP, id="deep objects"),
        pytest.param(b"[" * 2000 + b"]" * 2000, Fault.TOO_DEEP, id="deep but closed"),
        pytest.param(b"[]", Fault.NOT_AN_OBJECT, id="array"),
        pytest.param(b'"x"', Fault.NOT_AN_OBJECT, id="string"),
        pytest.param(b"1", Fault.NOT_AN_OBJECT, id="integer"),
        pytest.param(b"1.5", Fault.NOT_AN_OBJECT, id="float"),
        pytest.param(b"true", Fault.NOT_AN_OBJECT, id="boolean"),
        pytest.param(b"null", Fault.NOT_AN_OBJECT, id="null"),
    ],
)
def test_malformed(body: bytes, fault: Fault) -> None:
    with pytest.raises(Malformed) as refused:
        parse(body)
    assert refused.value.fault is fault


def test_an_object_is_returned() -> None:
    assert parse(b' {"id": 1, "name": "\xc3\xa9"} ') == {"id": 1, "name": "é"}


def test_the_detail_holds_nothing_of_the_body() -> None:
    with pytest.raises(Malformed) as refused:
        parse(b'{"card": 4242424242424242 x')
    assert "4242" not in refused.value.detail


def endpoint(*bodies: Body) -> Endpoint:
    def read(*_: object) -> list[Never]:
        raise AssertionError

    return Endpoint(
        path="/webhooks/some/thing",
        summary="Any.",
        topics=("some.things",),
        read=read,
        bodies=bodies,
        events_limit=3,
    )


def inside(body: bytes, *bodies: Body, content_type: str | None = None) -> list[Event | Unreadable]:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return events(endpoint(*bodies), Shape(events=3), headers, body)


def test_every_event_of_an_array_has_its_own_bytes_as_they_came() -> None:
    elements = [b'{"id": 1.00}', b'{ "id":123456789012345678901234567890 }', '{"n":"é"}'.encode()]
    found = inside(b" [" + b" ,\n".join(elements) + b"] ", Body.JSON_EVENTS)
    assert [one.original for one in found] == elements
    assert [one.body for one in found if isinstance(one, Event)] == elements


def test_an_object_is_an_array_of_one_where_arrays_are_taken() -> None:
    assert inside(b' {"id":1}', Body.JSON_EVENTS) == [Event({"id": 1}, b' {"id":1}', b' {"id":1}')]


def test_an_empty_array_holds_nothing() -> None:
    assert inside(b"[ ]", Body.JSON_EVENTS) == []


def test_elements_that_are_no_events_do_not_spoil_the_others() -> None:
    found = inside(b'[{"id":1},7,[]]', Body.JSON_EVENTS)
    assert isinstance(found[0], Event)
    faults = [(one.malformed.fault, one.original) for one in found if isinstance(one, Unreadable)]
    assert faults == [(Fault.NOT_AN_OBJECT, b"7"), (Fault.NOT_AN_OBJECT, b"[]")]
    assert isinstance(found[1], Unreadable)
    assert found[1].malformed.detail.startswith("element 1 of the array: ")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"[{}", Fault.INVALID_JSON),
        (b'[{"a":1}]x', Fault.INVALID_JSON),
        (b'[{"a":\xff}]', Fault.INVALID_JSON),
        (b"[" * 1_000_000, Fault.TOO_DEEP),
        (b"[{},{},{},{}]", Fault.TOO_MANY_EVENTS),
    ],
)
def test_a_body_that_is_no_array_as_a_whole_is_malformed_as_a_whole(
    body: bytes, fault: Fault
) -> None:
    with pytest.raises(Malformed) as refused:
        inside(body, Body.JSON_EVENTS)
    assert refused.value.fault is fault


def test_arrays_are_taken_where_they_are_declared_only() -> None:
    with pytest.raises(Malformed):
        inside(b"[]", Body.JSON)


FORM = "application/x-www-form-urlencoded; charset=utf-8"


def test_a_form_is_told_by_its_content_type_and_kept_as_json() -> None:
    body = b"type=subscribe&data[email]=a%40example.com"
    [found] = inside(body, Body.JSON, Body.FORM, content_type=FORM)
    payload = {"type": "subscribe", "data": {"email": "a@example.com"}}
    as_json = b'{"type":"subscribe","data":{"email":"a@example.com"}}'
    assert found == Event(payload, as_json, body)


@pytest.mark.parametrize(
    ("bodies", "content_type"), [((Body.JSON,), FORM), ((Body.JSON, Body.FORM), "text/plain")]
)
def test_everything_else_is_json(bodies: tuple[Body, ...], content_type: str) -> None:
    with pytest.raises(Malformed) as refused:
        inside(b"a=1", *bodies, content_type=content_type)
    assert refused.value.fault is Fault.INVALID_JSON


def test_depth_is_of_each_event() -> None:
    shape = Shape(depth=2)
    assert parse(b'{"a":[]}', shape)
    assert events(endpoint(Body.JSON_EVENTS), shape, {}, b'[{"a":[]}]')
    for body in (b'{"a":[[]]}', b'[{"a":[[]]}]'):
        with pytest.raises(Malformed, match="deeper than 2"):
            events(endpoint(Body.JSON_EVENTS), shape, {}, body)
