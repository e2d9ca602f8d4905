"""However a delivery comes in, its answer is the same one, and it is on the topic all the same.

Plain requests are answered straight from the socket, everything else goes through aiohttp; no
sender can tell which.
"""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.arrivals import Tail, create_topics
from tests.support.broker import BrokerProcess, running
from tests.support.ingest import IngestProcess
from tests.support.vendor_signatures import shopify_signature

PATH = "/webhooks/shopify/orders"
PASSING = ("date", "connection")
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Delivery ids and occurrences: another one each time."""


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
        directory, broker.bootstrap, BERGLINE_INGEST_BODY_LIMIT_BYTES="2048"
    ) as process:
        process.wait_ready()
        yield process


class Connection:
    """One connection of a sender that looks at every byte."""

    def __init__(self, ingest: IngestProcess) -> None:
        self.ingest = ingest
        self._socket = socket.create_connection(("127.0.0.1", ingest.port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers by lower-case name, body."""
        status = int(self._file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, self._file.read(int(headers["content-length"]))

    def ended(self) -> bool:
        """Whether the other side closes, within the socket's timeout."""
        return self._file.read(1) == b""


def request(
    body: bytes, headers: Mapping[str, str], *, version: str = "1.1", target: str = PATH
) -> tuple[bytes, bytes]:
    lines = {"Host": "x", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target} HTTP/{version}\r\n{head}\r\n".encode(), body


def at_once(connection: Connection, head: bytes, body: bytes) -> None:
    connection.send(head + body)


def head_then_body(connection: Connection, head: bytes, body: bytes) -> None:
    connection.send(head)
    connection.send(body)


def byte_by_byte(connection: Connection, head: bytes, body: bytes) -> None:
    for byte in head + body:
        connection.send(bytes((byte,)))


def body_much_later(connection: Connection, head: bytes, body: bytes) -> None:
    ingest = connection.ingest
    connection.send(head + body[:3])
    if body and b"Content-Encoding" not in head:
        # Only then has aiohttp taken over: a body a moment late is waited for at the socket.
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 1)
    connection.send(body[3:])


def with_a_query(connection: Connection, head: bytes, body: bytes) -> None:
    connection.send(head.replace(PATH.encode(), PATH.encode() + b"?shop=ada", 1) + body)


def in_chunks(connection: Connection, head: bytes, body: bytes) -> None:
    framed = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    connection.send(framed + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else framed)
    if not body:
        connection.send(b"0\r\n\r\n")


def expecting(connection: Connection, head: bytes, body: bytes) -> None:
    connection.send(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert connection._file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert connection._file.readline() == b"\r\n"
    connection.send(body)


def closing(connection: Connection, head: bytes, body: bytes) -> None:
    connection.send(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)


WAYS: list[Callable[[Connection, bytes, bytes], None]] = [
    head_then_body,
    byte_by_byte,
    body_much_later,
    with_a_query,
    in_chunks,
    expecting,
    closing,
]

GOOD = b'{"id":1}'
BODIES: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "accepted": (200, GOOD, shopify_signature(GOOD)),
    "kept as a dead letter": (400, b"not json", shopify_signature(b"not json")),
    "unsigned": (401, GOOD, {}),
    "wrongly signed": (401, GOOD, shopify_signature(GOOD, "wrong")),
    "encoded": (415, GOOD, {**shopify_signature(GOOD), "Content-Encoding": "gzip"}),
    "empty": (400, b"", shopify_signature(b"")),
}


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_answer_is_the_same(
    ingest: IngestProcess, way: Callable[[Connection, bytes, bytes], None], case: str
) -> None:
    status, body, headers = BODIES[case]
    answers = []
    for send in (at_once, way):
        with Connection(ingest) as connection:
            send(connection, *request(body, headers))
            got, received, answer = connection.answer()
            known = {name: text for name, text in received.items() if name not in PASSING}
            answers.append((got, known, UUID.sub(b"*", answer)))
    assert answers[0][0] == status
    assert answers[1] == answers[0]


@pytest.mark.parametrize("way", [at_once, *WAYS], ids=lambda way: way.__name__)
def test_the_record_is_on_the_topic(
    broker: BrokerProcess,
    ingest: IngestProcess,
    way: Callable[[Connection, bytes, bytes], None],
) -> None:
    with Tail(broker.bootstrap, "shopify.orders") as tail, Connection(ingest) as connection:
        way(connection, *request(GOOD, shopify_signature(GOOD)))
        status, _, answer = connection.answer()
        (record,) = tail.take(1)
    assert status == 200
    assert record.value == GOOD
    assert record.headers["delivery_id"].decode() == json.loads(answer)["delivery_id"]


def test_one_connection_carries_all_kinds_in_turn(ingest: IngestProcess) -> None:
    signed = shopify_signature(GOOD)
    plain = b"".join(request(GOOD, signed))
    with Connection(ingest) as connection:
        for _ in range(3):
            connection.send(plain)
            assert connection.answer()[0] == 200
        head_then_body(connection, *request(GOOD, signed))
        assert connection.answer()[0] == 200
        connection.send(b"".join(request(GOOD, {})))
        assert connection.answer()[0] == 401
        connection.send(plain)
        assert connection.answer()[0] == 200
        connection.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.answer()[0] == 200
        connection.send(plain)
        assert connection.answer()[0] == 200


def test_requests_sent_ahead_are_answered_in_their_order(ingest: IngestProcess) -> None:
    bodies = [b'{"id":%d}' % number for number in range(40)]
    requests = [b"".join(request(body, shopify_signature(body))) for body in bodies]
    with Connection(ingest) as connection:
        # The second lot most likely comes while the first delivery waits for the broker.
        connection.send(requests[0])
        connection.send(b"".join(requests[1:20]))
        connection.send(b"".join(requests[20:]))
        answers = [connection.answer() for _ in bodies]
    assert [status for status, _, _ in answers] == [200] * len(bodies)
    assert [json.loads(answer)["id"] for _, _, answer in answers] == [
        str(number) for number in range(40)
    ]


def test_a_request_sent_ahead_of_an_answer_may_be_of_another_kind(ingest: IngestProcess) -> None:
    with Connection(ingest) as connection:
        connection.send(b"".join(request(GOOD, shopify_signature(GOOD))))
        connection.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert json.loads(connection.answer()[2])["status"] == "ok"
        assert json.loads(connection.answer()[2])["status"] == "healthy"


def test_broken_http_after_a_delivery_is_the_senders_fault(ingest: IngestProcess) -> None:
    with Connection(ingest) as connection:
        connection.send(b"".join(request(GOOD, shopify_signature(GOOD))))
        assert connection.answer()[0] == 200
        connection.send(b"nonsense\r\n\r\n")
        assert connection.answer()[0] == 400
        assert connection.ended()


def test_a_sender_that_closes_is_told_so_and_let_go(ingest: IngestProcess) -> None:
    with Connection(ingest) as connection:
        closing(connection, *request(GOOD, shopify_signature(GOOD)))
        status, headers, _ = connection.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert connection.ended()


def test_an_old_sender_is_answered_and_let_go(ingest: IngestProcess) -> None:
    with Connection(ingest) as connection:
        connection.send(b"".join(request(GOOD, shopify_signature(GOOD), version="1.0")))
        assert connection.answer()[0] == 200
        assert connection.ended()


def test_a_body_above_the_limit_is_413_however_it_comes(ingest: IngestProcess) -> None:
    body = b'{"id":1,"x":"%b"}' % (b"x" * 2048)
    for way in (at_once, in_chunks):
        with Connection(ingest) as connection:
            way(connection, *request(body, shopify_signature(body)))
            assert connection.answer()[0] == 413
    ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
    assert ingest.get("/info").json["in_flight_bytes"] == 0


def test_a_sender_that_leaves_in_the_middle_leaves_nothing_behind(ingest: IngestProcess) -> None:
    head, body = request(GOOD, shopify_signature(GOOD))
    for part in (head[:20], head, head + body[:3]):
        with Connection(ingest) as connection:
            connection.send(part)
    ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
    assert ingest.post(PATH, GOOD).status == 200
    assert "Traceback" not in ingest.log()


def test_idle_connections_do_not_hold_up_the_end(broker: BrokerProcess, tmp_path: Path) -> None:
    with IngestProcess(tmp_path, broker.bootstrap) as process:
        process.wait_ready()
        with Connection(process) as unused, Connection(process) as used:
            used.send(b"".join(request(GOOD, shopify_signature(GOOD))))
            assert used.answer()[0] == 200
            started = time.monotonic()
            assert process.stop() == 0
            assert time.monotonic() - started < 4
            assert used.ended()
            assert unused.ended()
