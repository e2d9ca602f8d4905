"""Of refused requests little is told, not often, and nothing that is anybody's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
from multidict import CIMultiDict
from structlog.testing import capture_logs

from services.ingest.problem import BODY_TOO_LARGE, INVALID_SIGNATURE
from services.ingest.samples import Samples, Seen, network, shape, told_body

PEER = ("203.0.113.77", 5000)
HEADERS = CIMultiDict(
    {
        "Content-Type": "application/json",
        "X-Shopify-Hmac-Sha256": "c2VjcmV0",
        "Authorization": "Bearer hidden-token",
        "Cookie": "session=hidden-token",
        "User-Agent": "Shop\x07" + "x" * 200,
        "X-Shopify-Shop-Domain": "ada.example",
        "b\xffd name": "1",
    }
)
BODY = b'{"id":1001,"email":"ada@example.com"}' * 20


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def seen(source: str = "shopify") -> Seen:
    return Seen(source, "/webhooks/shopify/orders", "POST", HEADERS, BODY, lambda: PEER)


def told(samples: Samples, *requests: Seen) -> list[Any]:
    with capture_logs() as lines:
        for each in requests:
            samples.refused(INVALID_SIGNATURE, "not signed", each)
    return lines


def test_what_is_told_of_a_request() -> None:
    [line] = told(Samples(Clock()), seen())
    assert line["event"] == "request refused"
    assert (line["source"], line["reason"], line["status"]) == ("shopify", "invalid_signature", 401)
    assert line["headers"]["content-type"] == "application/json"
    assert len(line["headers"]["user-agent"]) == 80
    assert "X-Shopify-Hmac-Sha256" in line["header_names"]
    assert line["body_bytes"] == len(BODY)
    assert line["body_shape"].startswith('{"a":9,"a":"a@a.a"}')
    assert line["network"] == "203.0.113.0/24"


def test_nothing_that_was_sent_is_told_beside() -> None:
    text = repr(told(Samples(Clock()), seen()))
    for secret in ("c2VjcmV0", "hidden-token", "ada", "example.com", "1001", "113.77", "\x07", "ÿ"):
        assert secret not in text


def test_one_a_second_for_each_source_and_reason_and_the_others_are_counted() -> None:
    clock = Clock()
    samples = Samples(clock)
    assert len(told(samples, *[seen()] * 50, seen("stripe"))) == 2
    clock.now = 0.99
    assert told(samples, seen()) == []
    clock.now = 1.0
    [line] = told(samples, seen())
    assert line["left_out"] == 50
    with capture_logs() as lines:
        samples.refused(BODY_TOO_LARGE, "too large", seen())
    assert len(lines) == 1


def test_a_request_of_which_nothing_is_known_is_told_too() -> None:
    [line] = told(Samples(Clock()), Seen("none"))
    assert "headers" not in line
    assert "body_bytes" not in line


@pytest.mark.parametrize(
    ("text", "built"),
    [
        (b'{"a":[1,22],"\xc3\xa9t\xc3\xa9":null}', '{"a":[9,9],"a":a}'),
        (b"a=b%40c&d=1", "a=a%9a&a=9"),
        (b"\x00\x01\n<", "   <"),
        (b"", ""),
    ],
)
def test_the_shape_of_a_body(text: bytes, built: str) -> None:
    assert shape(text) == built


@pytest.mark.parametrize(
    ("peer", "told_as"),
    [
        (("203.0.113.77", 1), "203.0.113.0/24"),
        (("2001:db8:1:2:3::4", 1, 0, 0), "2001:db8:1::/48"),
        (("127.0.0.1", 1), "127.0.0.1"),
        ("/run/socket", ""),
        (None, ""),
        ((), ""),
    ],
)
def test_the_network_of_a_peer(peer: object, told_as: str) -> None:
    assert network(peer) == told_as


def test_the_mark_tells_equal_bodies() -> None:
    marks = [told_body(body)["body_mark"] for body in (b"one", b"two", b"one")]
    assert marks[0] == marks[2] != marks[1]
    assert marks[0] != hashlib.blake2b(b"one", digest_size=8).hexdigest()
