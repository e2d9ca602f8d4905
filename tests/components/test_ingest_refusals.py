"""Whatever is sent, the answer is the documented one, and never 5xx for bad input.

Which answers there are, endpoint by endpoint, says ``test_ingest_answers.py``, and what makes a
signature a wrong one ``tests/unit/ingest``; here is what no table of answers would think of.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.ingest.problem import CONTENT_TYPE
from tests.support.broker import free_port
from tests.support.ingest import IngestProcess
from tests.support.ingest_in_process import Answer, InProcess, running
from tests.support.vendor_signatures import shopify_signature, signature

SHOPIFY = "/webhooks/shopify/orders"
STRIPE = "/webhooks/stripe/webhook"
GOOD = {
    SHOPIFY: b'{"id":1}',
    STRIPE: b'{"id":"evt_1","type":"charge.failed","data":{"object":{"id":"ch_1"}}}',
}


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with running(tmp_path_factory.mktemp("ingest"), ingest_body_timeout_s=0.3) as process:
        yield process


@pytest.fixture(autouse=True)
def nothing_unforeseen(ingest: InProcess, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """None of this is an exception that nobody handles."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "unhandled" not in str(ingest.logged)
    assert "exc_info" not in str(ingest.logged)


def post(
    ingest: InProcess, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Answer:
    """Signed as the vendor of the route does unless headers are given."""
    return ingest.request("POST", path, body, signature(path, body) if headers is None else headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("OPTIONS", SHOPIFY, 405, "method-not-allowed"),
        ("POST", "/webhooks/shopify/orders/", 404, "not-found"),
        ("POST", "/webhooks/shopify/carts", 404, "not-found"),
        ("POST", "/webhooks/stripe", 404, "not-found"),
        ("GET", "/no/such%20place", 404, "not-found"),
        ("POST", STRIPE, 401, "missing-signature"),
    ],
)
def test_every_refusal_is_a_problem_document(
    ingest: InProcess, method: str, path: str, status: int, slug: str
) -> None:
    answer = ingest.request(method, path, b"{}")
    assert answer.status == status
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert set(answer.json) == {"type", "title", "status", "detail", "instance"}
    assert answer.json["type"] == f"/docs#{slug}"
    assert answer.json["status"] == status
    assert path in answer.json["detail"]


def test_405_names_the_methods_and_401_the_scheme(ingest: InProcess) -> None:
    assert ingest.request("GET", SHOPIFY).headers["allow"] == "POST"
    assert post(ingest, SHOPIFY, b"{}", {}).headers["www-authenticate"].startswith("HMAC-SHA256")


def test_the_missing_header_is_named(ingest: InProcess) -> None:
    for path, header in ((SHOPIFY, "X-Shopify-Hmac-Sha256"), (STRIPE, "Stripe-Signature")):
        assert f"Missing {header} header" in post(ingest, path, b"{}", {}).json["detail"]


HOSTILE = {
    "empty": b"",
    "blank": b"  \n",
    "cut off": b'{"id":1',
    "not UTF-8": b'{"id":"\xff\xfe"}',
    "lone surrogate": b'{"id":"\\ud800"}',
    "byte order mark": b'\xef\xbb\xbf{"id":1}',
    "a form": b"id=1&data[object]=x",
    "NaN": b'{"id":NaN}',
    "deep arrays": b"[" * 500_000,
    "deep objects": b'{"data":' * 100_000,
    "deep but closed": b'{"id":1,"x":' + b"[" * 3000 + b"]" * 3000 + b"}",
    "array": b'[{"id":1}]',
    "null": b"null",
    "string": b'"id"',
    "number": b"1e400",
    "no id": b"{}",
    "null id": b'{"id":null,"data":{"object":{"id":null}}}',
    "object id": b'{"id":{},"data":{"object":{"id":[]}}}',
    "huge number": b'{"id":' + b"9" * 5000 + b"}",
    "long id": b'{"id":"' + b"x" * 1_000_000 + b'","data":{"object":{"x":1}}}',
    "null data": b'{"id":"evt","type":"charge.failed","data":null,"x":1}',
    "data is a list": b'{"type":"charge.failed","data":[{"object":{}}]}',
    "empty object": b'{"type":"charge.failed","data":{"object":{}}}',
    "many empty lists": b"[" + b"[]," * 400_000 + b"[]]",
}


@pytest.mark.parametrize("path", [SHOPIFY, STRIPE])
@pytest.mark.parametrize("name", HOSTILE)
def test_signed_nonsense_is_refused_with_400(ingest: InProcess, path: str, name: str) -> None:
    answer = post(ingest, path, HOSTILE[name])
    if name == "null data" and path == SHOPIFY:
        assert answer.status == 200
        return
    assert answer.status == 400, answer.body
    assert answer.headers["content-type"] == CONTENT_TYPE


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":1,"updated_at":"0001-01-01T00:00:00+14:00","created_at":[]}',
        b'{"id":1,"updated_at":"9999-12-31T23:59:59-14:00"}',
        b'{"id":18446744073709551615}',
        b'{"id":-1,"created_at":1e300}',
    ],
)
def test_odd_values_beside_a_good_id_are_accepted(ingest: InProcess, body: bytes) -> None:
    assert post(ingest, SHOPIFY, body).status == 200


@pytest.mark.parametrize(
    "created", ["1e308", "-9223372036854775808", "18446744073709551615", '"x"', "null", "{}"]
)
def test_odd_stripe_times_are_accepted(ingest: InProcess, created: str) -> None:
    body = f'{{"id":"evt","created":{created},"data":{{"object":{{"id":"ch"}}}}}}'.encode()
    assert post(ingest, STRIPE, body).status == 200


@pytest.mark.parametrize("name", ["X-Shopify-Topic", "X-Shopify-Event-Id", "traceparent"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"x" * 4000, b"\x01", "é".encode(), b""])
def test_odd_header_values_never_break_a_delivery(
    ingest: InProcess, name: str, value: bytes
) -> None:
    body = GOOD[SHOPIFY]
    (signed,) = shopify_signature(body).items()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % SHOPIFY.encode()
    head += b"%s: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n" % (
        name.encode(),
        value,
        signed[0].encode(),
        signed[1].encode(),
        len(body),
    )
    # A control character is a broken request for the HTTP parser itself.
    assert raw_status(ingest, head + body) == (400 if value == b"\x01" else 200)


def raw_status(ingest: InProcess, request: bytes) -> int:
    with socket.create_connection(("127.0.0.1", ingest.app.port), timeout=10) as connection:
        connection.sendall(request)
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1])


def test_a_slow_body_is_408_and_leaves_nothing_behind(ingest: InProcess) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" % SHOPIFY.encode()
    assert raw_status(ingest, head) == 408
    now = ingest.request("GET", "/info").json
    assert (now["in_flight"], now["in_flight_bytes"]) == (0, 0)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET\r\n\r\n",
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" % SHOPIFY.encode(),
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
        % SHOPIFY.encode(),
        b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        % SHOPIFY.encode(),
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 2000 + b"\r\n",
    ],
    ids=["TLS", "no target", "negative length", "two framings", "bad chunk", "many headers"],
)
def test_broken_http_is_the_senders_fault(ingest: InProcess, request_bytes: bytes) -> None:
    assert 400 <= raw_status(ingest, request_bytes) < 500


@pytest.mark.parametrize("target", [b"/\xff\xfe", b"/%ff", b"/" + b"x" * 3000, b"/\xc3\xa9"])
def test_odd_paths_are_404(ingest: InProcess, target: bytes) -> None:
    request = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target
    assert raw_status(ingest, request) in (400, 404)


@pytest.mark.parametrize("encoding", ["br", "bogus"])
def test_an_encoded_body_is_415(ingest: InProcess, encoding: str) -> None:
    headers = {**signature(SHOPIFY, GOOD[SHOPIFY]), "Content-Encoding": encoding}
    assert post(ingest, SHOPIFY, GOOD[SHOPIFY], headers).status == 415


def test_without_a_secret_deliveries_are_500_and_readiness_names_the_setting(
    tmp_path: Path,
) -> None:
    with running(tmp_path, ingest_shopify_secrets="") as process:
        answer = post(process, SHOPIFY, GOOD[SHOPIFY])
        assert answer.status == 500
        assert answer.json["title"] == "Webhook secret not configured"
        assert "BERGLINE_INGEST_SHOPIFY_SECRETS" in answer.json["detail"]
        for path in ("/readyz", "/ready"):
            now = process.request("GET", path)
            assert now.status == 503
            assert "BERGLINE_INGEST_SHOPIFY_SECRETS" in now.json["reason"]
        assert post(process, STRIPE, GOOD[STRIPE]).status == 200


def test_a_disabled_source_is_not_served(tmp_path: Path) -> None:
    with running(tmp_path, ingest_stripe_enabled=False) as process:
        assert post(process, STRIPE, GOOD[STRIPE]).status == 404
        assert process.request("GET", "/").json["endpoints"]["stripe"] is None
        assert STRIPE not in process.request("GET", "/openapi.json").json["paths"]
        assert process.request("GET", "/readyz").status == 200


def test_the_test_only_bypass_is_loud(tmp_path: Path) -> None:
    with running(tmp_path, ingest_skip_signature_validation=True) as process:
        assert post(process, SHOPIFY, GOOD[SHOPIFY], {}).status == 200
        assert "SIGNATURES ARE NOT CHECKED" in str(process.logged)
        assert process.request("GET", "/info").json["signatures"] is False


def test_above_the_rate_verified_deliveries_are_429_and_forged_ones_cost_nothing(
    tmp_path: Path,
) -> None:
    with running(tmp_path, ingest_rate_limit_per_s=0.01) as process:
        assert post(process, SHOPIFY, GOOD[SHOPIFY], {}).status == 401
        assert post(process, SHOPIFY, GOOD[SHOPIFY]).status == 200
        answer = post(process, SHOPIFY, GOOD[SHOPIFY])
        assert answer.status == 429
        assert 90 <= int(answer.headers["retry-after"]) <= 100
        assert post(process, STRIPE, GOOD[STRIPE]).status == 200


def test_the_face_of_the_service(ingest: InProcess) -> None:
    for path in ("/livez", "/health"):
        assert ingest.request("GET", path).json == {"status": "healthy", "service": "ingest"}
    for path in ("/readyz", "/ready"):
        assert ingest.request("GET", path).json == {"status": "ready"}
    face = ingest.request("GET", "/")
    assert face.json["endpoints"]["stripe"] == [STRIPE]
    assert "access-control-allow-origin" not in face.headers
    assert b"process_resident_memory_bytes" in ingest.request("GET", "/metrics").body
    policy = ingest.request("GET", "/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert json.loads(ingest.request("GET", "/openapi.json").body)["openapi"].startswith("3.1")


def test_a_taken_port_ends_the_process_with_advice(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = IngestProcess(tmp_path, f"127.0.0.1:{free_port()}")
        process._environment["BERGLINE_INGEST_PORT"] = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="ended with 2"):
            process.__enter__()
    assert "set BERGLINE_INGEST_PORT" in process.log()
