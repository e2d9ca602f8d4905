"""A body is a JSON object, or it is malformed; nothing makes the parser fall over."""

import pytest

from services.ingest.payload import parse
from services.ingest.problem import INVALID_JSON, NOT_AN_OBJECT, Problem
from services.ingest.sources.endpoint import Malformed


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"", INVALID_JSON, id="empty"),
        pytest.param(b"{", INVALID_JSON, id="cut off"),
        pytest.param(b"id=1", INVALID_JSON, id="a form"),
        pytest.param(b'{"id":"\xff"}', INVALID_JSON, id="not UTF-8"),
        pytest.param(b'{"id":"\\ud800"}', INVALID_JSON, id="lone surrogate"),
        pytest.param(b'{"id":NaN}', INVALID_JSON, id="not a number"),
        pytest.param(b"[" * 1_000_000, INVALID_JSON, id="deep arrays"),
        pytest.param(b'{"a":' * 300_000, INVALID_JSON, id="deep objects"),
        pytest.param(b"[" * 2000 + b"]" * 2000, INVALID_JSON, id="deep but closed"),
        pytest.param(b"[]", NOT_AN_OBJECT, id="array"),
        pytest.param(b'"x"', NOT_AN_OBJECT, id="string"),
        pytest.param(b"1", NOT_AN_OBJECT, id="integer"),
        pytest.param(b"1.5", NOT_AN_OBJECT, id="float"),
        pytest.param(b"true", NOT_AN_OBJECT, id="boolean"),
        pytest.param(b"null", NOT_AN_OBJECT, id="null"),
    ],
)
def test_malformed(body: bytes, problem: Problem) -> None:
    with pytest.raises(Malformed) as refused:
        parse(body)
    assert refused.value.problem is problem


def test_an_object_is_returned() -> None:
    assert parse(b' {"id": 1, "name": "\xc3\xa9"} ') == {"id": 1, "name": "é"}


def test_the_detail_holds_nothing_of_the_body() -> None:
    with pytest.raises(Malformed) as refused:
        parse(b'{"card": 4242424242424242 x')
    assert "4242" not in refused.value.detail
