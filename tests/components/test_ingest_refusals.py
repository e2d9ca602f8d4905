"""Whatever is sent, the answer is the documented one, and never 5xx for bad input."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ingest.problem import CONTENT_TYPE
from tests.support.broker import BrokerProcess, free_port, running
from tests.support.ingest import (
    IngestProcess,
    create_topics,
    shopify_signature,
    signature,
    stripe_signature,
)

SHOPIFY = "/webhooks/shopify/orders"
STRIPE = "/webhooks/stripe/webhook"
GOOD = {
    SHOPIFY: b'{"id":1}',
    STRIPE: b'{"id":"evt_1","type":"charge.failed","data":{"object":{"id":"ch_1"}}}',
}


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
    with IngestProcess(
        directory, broker.bootstrap, BERGLINE_INGEST_BODY_TIMEOUT_S="0.3"
    ) as process:
        process.wait_ready()
        yield process


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", SHOPIFY, 405, "method-not-allowed"),
        ("PUT", STRIPE, 405, "method-not-allowed"),
        ("OPTIONS", SHOPIFY, 405, "method-not-allowed"),
        ("POST", "/webhooks/shopify/orders/", 404, "not-found"),
        ("POST", "/webhooks/shopify/carts", 404, "not-found"),
        ("POST", "/webhooks/stripe", 404, "not-found"),
        ("GET", "/no/such%20place", 404, "not-found"),
        ("POST", SHOPIFY, 401, "missing-signature"),
        ("POST", STRIPE, 401, "missing-signature"),
    ],
)
def test_every_refusal_is_a_problem_document(
    ingest: IngestProcess, method: str, path: str, status: int, slug: str
) -> None:
    answer = ingest.request(method, path, b"{}")
    assert answer.status == status
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert set(answer.json) == {"type", "title", "status", "detail", "instance"}
    assert answer.json["type"] == f"/docs#{slug}"
    assert answer.json["status"] == status
    assert path in answer.json["detail"]


def test_405_names_the_methods_and_401_the_scheme(ingest: IngestProcess) -> None:
    assert ingest.get(SHOPIFY).headers["Allow"] == "POST"
    assert ingest.post(SHOPIFY, b"{}", {}).headers["WWW-Authenticate"].startswith("HMAC-SHA256")


def test_the_missing_header_is_named(ingest: IngestProcess) -> None:
    assert "Missing X-Shopify-Hmac-Sha256 header" in ingest.post(SHOPIFY, b"{}", {}).json["detail"]
    assert "Missing Stripe-Signature header" in ingest.post(STRIPE, b"{}", {}).json["detail"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (SHOPIFY, shopify_signature(GOOD[SHOPIFY], "wrong")),
        (SHOPIFY, shopify_signature(b"another body")),
        (STRIPE, stripe_signature(GOOD[STRIPE], "whsec_wrong")),
        (STRIPE, {"Stripe-Signature": "nonsense"}),
    ],
    ids=["wrong secret", "another body", "wrong secret", "nonsense"],
)
def test_a_wrong_signature_is_401(
    ingest: IngestProcess, path: str, headers: dict[str, str]
) -> None:
    answer = ingest.post(path, GOOD[path], headers)
    assert answer.status == 401
    assert answer.json["type"] == "/docs#invalid-signature"


@pytest.mark.parametrize("seconds", [-400, 400], ids=["too old", "too early"])
def test_a_signature_of_another_time_is_401(ingest: IngestProcess, seconds: float) -> None:
    signed = stripe_signature(GOOD[STRIPE], at=time.time() + seconds)
    assert ingest.post(STRIPE, GOOD[STRIPE], signed).status == 401


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
def test_signed_nonsense_is_refused_with_400(ingest: IngestProcess, path: str, name: str) -> None:
    body = HOSTILE[name]
    if name == "null data" and path == SHOPIFY:
        assert ingest.post(path, body).status == 200
        return
    answer = ingest.post(path, body)
    assert answer.status == 400, answer.body
    assert answer.headers["Content-Type"] == CONTENT_TYPE


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":1,"updated_at":"0001-01-01T00:00:00+14:00","created_at":[]}',
        b'{"id":1,"updated_at":"9999-12-31T23:59:59-14:00"}',
        b'{"id":18446744073709551615}',
        b'{"id":-1,"created_at":1e300}',
    ],
)
def test_odd_values_beside_a_good_id_are_accepted(ingest: IngestProcess, body: bytes) -> None:
    assert ingest.post(SHOPIFY, body).status == 200


@pytest.mark.parametrize(
    "created", ["1e308", "-9223372036854775808", "18446744073709551615", '"x"', "null", "{}"]
)
def test_odd_stripe_times_are_accepted(ingest: IngestProcess, created: str) -> None:
    body = f'{{"id":"evt","created":{created},"data":{{"object":{{"id":"ch"}}}}}}'.encode()
    assert ingest.post(STRIPE, body).status == 200


@pytest.mark.parametrize("name", ["X-Shopify-Topic", "X-Shopify-Event-Id", "traceparent"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"x" * 4000, b"\x01", "é".encode(), b""])
def test_odd_header_values_never_break_a_delivery(
    ingest: IngestProcess, name: str, value: bytes
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
    assert raw_status(ingest, head + body) in ((400,) if value == b"\x01" else (200,))


def raw_status(ingest: IngestProcess, request: bytes) -> int:
    with socket.create_connection(("127.0.0.1", ingest.port), timeout=10) as connection:
        connection.sendall(request)
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1])


def test_a_body_above_the_limit_is_413_whether_announced_or_not(ingest: IngestProcess) -> None:
    limit = 2 * 1024 * 1024
    announced = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (
        SHOPIFY.encode(),
        limit + 1,
    )
    assert raw_status(ingest, announced) == 413
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % SHOPIFY.encode()
    chunk = b"%x\r\n%s\r\n" % (limit // 2, b"x" * (limit // 2))
    assert raw_status(ingest, head + chunk * 2 + b"1\r\nx\r\n") == 413


def test_a_slow_body_is_408_and_leaves_nothing_behind(ingest: IngestProcess) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" % SHOPIFY.encode()
    assert raw_status(ingest, head) == 408
    ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
    assert ingest.get("/info").json["in_flight_bytes"] == 0


def test_a_sender_that_leaves_in_the_middle_leaves_nothing_behind(ingest: IngestProcess) -> None:
    with socket.create_connection(("127.0.0.1", ingest.port), timeout=10) as connection:
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" % SHOPIFY.encode()
        connection.sendall(head)
    ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
    assert ingest.post(SHOPIFY, GOOD[SHOPIFY]).status == 200


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
def test_broken_http_is_the_senders_fault(ingest: IngestProcess, request_bytes: bytes) -> None:
    assert 400 <= raw_status(ingest, request_bytes) < 500


@pytest.mark.parametrize("target", [b"/\xff\xfe", b"/%ff", b"/" + b"x" * 3000, b"/\xc3\xa9"])
def test_odd_paths_are_404(ingest: IngestProcess, target: bytes) -> None:
    request = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target
    assert raw_status(ingest, request) in (400, 404)


@pytest.mark.parametrize("encoding", ["gzip", "br", "bogus"])
def test_an_encoded_body_is_415(ingest: IngestProcess, encoding: str) -> None:
    headers = {**signature(SHOPIFY, GOOD[SHOPIFY]), "Content-Encoding": encoding}
    assert ingest.post(SHOPIFY, GOOD[SHOPIFY], headers).status == 415


def test_none_of_this_was_an_unhandled_exception(ingest: IngestProcess) -> None:
    assert "unhandled" not in ingest.log()
    assert "Traceback" not in ingest.log()


def test_without_a_secret_deliveries_are_500_and_readiness_names_the_setting(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    with IngestProcess(tmp_path, broker.bootstrap, BERGLINE_INGEST_SHOPIFY_SECRETS="") as process:
        answer = process.post(SHOPIFY, GOOD[SHOPIFY])
        assert answer.status == 500
        assert answer.json["title"] == "Webhook secret not configured"
        assert "BERGLINE_INGEST_SHOPIFY_SECRETS" in answer.json["detail"]
        for path in ("/readyz", "/ready"):
            assert process.get(path).status == 503
            assert "BERGLINE_INGEST_SHOPIFY_SECRETS" in process.get(path).json["reason"]
        process.wait_until(lambda: process.post(STRIPE, GOOD[STRIPE]).status == 200)


def test_a_disabled_source_is_not_served(tmp_path: Path, broker: BrokerProcess) -> None:
    with IngestProcess(
        tmp_path, broker.bootstrap, BERGLINE_INGEST_STRIPE_ENABLED="false"
    ) as process:
        assert process.post(STRIPE, GOOD[STRIPE]).status == 404
        assert process.get("/").json["endpoints"]["stripe"] is None
        assert STRIPE not in process.get("/openapi.json").json["paths"]
        process.wait_ready()


def test_the_test_only_bypass_is_loud(tmp_path: Path, broker: BrokerProcess) -> None:
    with IngestProcess(
        tmp_path, broker.bootstrap, BERGLINE_INGEST_SKIP_SIGNATURE_VALIDATION="true"
    ) as process:
        process.wait_ready()
        assert process.post(SHOPIFY, GOOD[SHOPIFY], {}).status == 200
        assert "SIGNATURES ARE NOT CHECKED" in process.log()
        assert process.get("/info").json["signatures"] is False


def test_above_the_rate_verified_deliveries_are_429_and_forged_ones_cost_nothing(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    with IngestProcess(
        tmp_path, broker.bootstrap, BERGLINE_INGEST_RATE_LIMIT_PER_S="0.01"
    ) as process:
        process.wait_ready()
        assert process.post(SHOPIFY, GOOD[SHOPIFY], {}).status == 401
        assert process.post(SHOPIFY, GOOD[SHOPIFY]).status == 200
        answer = process.post(SHOPIFY, GOOD[SHOPIFY])
        assert answer.status == 429
        assert 90 <= int(answer.headers["Retry-After"]) <= 100
        assert process.post(STRIPE, GOOD[STRIPE]).status == 200


def test_the_face_of_the_service(ingest: IngestProcess) -> None:
    for path in ("/livez", "/health"):
        assert ingest.get(path).json == {"status": "healthy", "service": "ingest"}
    for path in ("/readyz", "/ready"):
        assert ingest.get(path).json == {"status": "ready"}
    assert ingest.get("/").json["endpoints"]["stripe"] == [STRIPE]
    assert b"process_resident_memory_bytes" in ingest.get("/metrics").body
    assert ingest.get("/docs").headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert json.loads(ingest.get("/openapi.json").body)["openapi"].startswith("3.1")
    assert "Access-Control-Allow-Origin" not in ingest.get("/").headers


def test_a_taken_port_ends_the_process_with_advice(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = IngestProcess(tmp_path, f"127.0.0.1:{free_port()}")
        process._environment["BERGLINE_INGEST_PORT"] = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="ended with 2"):
            process.__enter__()
    assert "set BERGLINE_INGEST_PORT" in process.log()
