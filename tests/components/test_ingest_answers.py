"""Each endpoint of every source × each answer, in one table; a new source or problem is in it.

Nothing here is a unit: requests go through the sockets of ingest as it runs. Only the broker is a
stand-in, which takes, refuses or loses what it is told to.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.generator.signatures import Request, sign
from services.ingest.problem import CONTENT_TYPE, PROBLEMS
from shared.contracts.topics import DEAD_LETTERS
from shared.sources.registry import SOURCES
from shared.sources.spec import Body, Endpoint, Example, SourceSpec
from tests.support.ingest_in_process import Answer, InProcess, running

LIMIT = 4096
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Case:
    """An endpoint, and a request to it that is as its vendor sends it."""

    source: SourceSpec
    endpoint: Endpoint

    @property
    def example(self) -> Example:
        here = [
            one for one in self.source.examples if urlsplit(one.path).path == self.endpoint.path
        ]
        return max(here, key=lambda example: len(example.becomes))

    @property
    def takes_arrays(self) -> bool:
        return Body.JSON_EVENTS in self.endpoint.bodies

    @property
    def takes_forms(self) -> bool:
        return Body.FORM in self.endpoint.bodies

    @property
    def is_probed(self) -> bool:
        return self.endpoint.probed

    def good(self, ingest: InProcess) -> Answer:
        """The example, signed now."""
        return self.post(ingest, self.example.body, self.headers)

    @property
    def headers(self) -> dict[str, str]:
        told = ("content-type", *(name.lower() for name in self.source.kept_headers))
        given = self.example.headers.items()
        return {name: text for name, text in given if name.lower() in told}

    def post(self, ingest: InProcess, body: bytes, headers: dict[str, str]) -> Answer:
        """A body of whatever kind, signed now."""
        path = self.endpoint.path
        request = Request(ingest.address + path, body, time.time(), "msg_1")
        signed = sign(self.source.signature, self.example.secret, request)
        query = f"?{signed.query}" if signed.query else ""
        return ingest.request("POST", path + query, body, {**headers, **signed.headers})

    def unsigned(self, ingest: InProcess) -> Answer:
        return ingest.request("POST", self.endpoint.path, self.example.body, self.headers)

    def forged(self, ingest: InProcess) -> Answer:
        carrier, path, headers = self.source.signature.carrier, self.endpoint.path, self.headers
        if self.source.signature.carried_in == "query":
            path += f"?{carrier}=forged"
        else:
            signed = sign(
                self.source.signature,
                self.example.secret,
                Request(ingest.address + path, b"another body", time.time(), "msg_1"),
            )
            headers |= signed.headers
        return ingest.request("POST", path, self.example.body, headers)


CASES = {
    endpoint.path: Case(source, endpoint)
    for source in SOURCES.values()
    for endpoint in source.endpoints
}


VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "without secrets": {"secrets": False},
    "all sources off": {f"ingest_{name}_enabled": False for name in SOURCES},
    "a rate": {"ingest_rate_limit_per_s": 0.001},
    "impatience": {"ingest_body_timeout_s": 0.05},
}


class Apps:
    """ingest in several variants, each started once."""

    def __init__(self, factory: pytest.TempPathFactory, stack: ExitStack) -> None:
        self._factory = factory
        self._stack = stack
        self._running: dict[str, InProcess] = {}

    def __getitem__(self, variant: str) -> InProcess:
        if variant not in self._running:
            settings = {"ingest_body_limit_bytes": LIMIT} | VARIANTS[variant]
            app = running(self._factory.mktemp("ingest"), **settings)
            self._running[variant] = self._stack.enter_context(app)
        found = self._running[variant]
        found.broker.behave("takes")
        return found

    @property
    def started(self) -> list[InProcess]:
        return list(self._running.values())


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    with ExitStack() as stack:
        yield Apps(tmp_path_factory, stack)


Ask = Callable[[InProcess, Case], Answer]
Which = Callable[[Case], bool]


@dataclass(frozen=True)
class Row:
    """One answer.

    Attributes:
        status: of the answer.
        slug: of the problem; empty: none.
        ask: gets it out of an endpoint.
        of: endpoints that can give it.
        kept: whether what was sent is a dead letter then.
    """

    status: int
    slug: str
    ask: Ask
    of: Which = lambda _: True
    variant: str = "usual"
    kept: bool = False


def good(ingest: InProcess, case: Case) -> Answer:
    return case.good(ingest)


def sends(body: bytes, headers: dict[str, str] = JSON) -> Ask:
    def ask(ingest: InProcess, case: Case) -> Answer:
        return case.post(ingest, body, {**case.headers, **headers})

    return ask


def asks(method: str) -> Ask:
    return lambda ingest, case: ingest.request(method, case.endpoint.path)


def with_headers(**more: str) -> Ask:
    headers = {name.replace("_", "-"): text for name, text in more.items()}
    return lambda ingest, case: case.post(ingest, case.example.body, case.headers | headers)


def broker(behaviour: str, spares: int = 0) -> Ask:
    def ask(ingest: InProcess, case: Case) -> Answer:
        ingest.broker.behave(behaviour, spares)
        return case.good(ingest)

    return ask


def raw(*lines: str, body: bytes = b"") -> Ask:
    """A request of just these lines after the first one."""

    def ask(ingest: InProcess, case: Case) -> Answer:
        def send(connection: http.client.HTTPConnection) -> None:
            connection.putrequest("POST", case.endpoint.path, skip_accept_encoding=True)
            for line in lines:
                connection.putheader(*line.split(": "))
            connection.endheaders(body)

        return ingest.exchange(send)

    return ask


def broken(ingest: InProcess, case: Case) -> Answer:
    """A body that turns out to be none when it is being read already."""

    def send(connection: http.client.HTTPConnection) -> None:
        connection.putrequest("POST", case.endpoint.path)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(b"1\r\n{\r\n")
        deadline = time.monotonic() + 10
        while not ingest.app.admission.deliveries:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        connection.send(b"zz\r\n")

    return ingest.exchange(send)


def too_many(ingest: InProcess, case: Case) -> Answer:
    events = b"[%b]" % b",".join([b"{}"] * (case.endpoint.events_limit + 1))
    return case.post(ingest, events, case.headers)


def once_too_often(ingest: InProcess, case: Case) -> Answer:
    case.good(ingest)
    return case.good(ingest)


def crowded(ingest: InProcess, case: Case) -> Answer:
    admission = ingest.app.admission
    most, admission.max_deliveries = admission.max_deliveries, 0
    try:
        return case.good(ingest)
    finally:
        admission.max_deliveries = most


def arrays(case: Case) -> bool:
    return case.takes_arrays


def forms(case: Case) -> bool:
    return case.takes_forms


def probed(case: Case) -> bool:
    return case.is_probed


def not_probed(case: Case) -> bool:
    return not case.is_probed


def objects(case: Case) -> bool:
    return not case.takes_arrays


DEEP = b'{"a":' * 200 + b"1" + b"}" * 200
NO_JSON = (b"{", b"\xff\xfe", b'{"id":"\xff"}', b"\xef\xbb\xbf{}", b'{"a":NaN}', b"not json")

# fmt: off
TABLE = {
    "accepted":              Row(200, "", good),
    "tried by the vendor":   Row(200, "", asks("GET"), probed),
    "tried, signed":         Row(200, "", sends(b""), probed),
    "none in an array":      Row(200, "", sends(b"[]"), arrays),
    **{f"no JSON, {body!r}": Row(400, "invalid-json", sends(body), kept=True) for body in NO_JSON},
    "an empty body":         Row(400, "invalid-json", sends(b""), not_probed, kept=True),
    "a number":              Row(400, "not-an-object", sends(b"7"), kept=True),
    "an array":              Row(400, "not-an-object", sends(b"[1]"), kept=True),
    "an array of objects":   Row(400, "not-an-object", sends(b"[{}]"), objects, kept=True),
    "too deep":              Row(400, "too-deep", sends(DEEP), kept=True),
    "too many at once":      Row(400, "too-many-events", too_many, arrays, kept=True),
    "no form":               Row(400, "invalid-form", sends(b"a=%FF", FORM), forms, kept=True),
    "a field twice":         Row(400, "invalid-form", sends(b"a=1&a=2", FORM), forms, kept=True),
    "a broken body":         Row(400, "broken-body", broken),
    "unsigned":              Row(401, "missing-signature", lambda i, case: case.unsigned(i)),
    "forged":                Row(401, "invalid-signature", lambda i, case: case.forged(i)),
    "switched off":          Row(404, "not-found", good, variant="all sources off"),
    "another method":        Row(405, "method-not-allowed", asks("PUT")),
    "fetched":               Row(405, "method-not-allowed", asks("GET"), not_probed),
    "a late body":           Row(408, "body-timeout", raw("Content-Length: 9", body=b"{"),
                                 variant="impatience"),
    "too large":             Row(413, "body-too-large", raw(f"Content-Length: {LIMIT + 1}")),
    "an address too long":   Row(414, "url-too-long", lambda ingest, case: ingest.request(
                                 "POST", case.endpoint.path + "?" + "x" * 9000)),
    "compressed":            Row(415, "content-encoding", with_headers(Content_Encoding="gzip")),
    "expecting":             Row(417, "expectation-failed", with_headers(Expect="everything")),
    "too often":             Row(429, "rate-limited", once_too_often, variant="a rate"),
    "too many headers":      Row(431, "too-many-headers", raw(*["X: y"] * 99 + ["Z: z"] * 9)),
    "headers too large":     Row(431, "head-too-large", raw("X: " + "y" * 40_000)),
    "no secret":             Row(500, "secret-not-configured", good, variant="without secrets"),
    "a fault of ours":       Row(500, "internal-error", broker("breaks")),
    "no broker":             Row(503, "broker-unavailable", broker("is away")),
    "a slow broker":         Row(503, "broker-unavailable", broker("gives up")),
    "no broker any more":    Row(503, "broker-unavailable", broker("is away", 1), arrays),
    "some not acknowledged": Row(503, "broker-unavailable", broker("gives up", 1), arrays),
    "no room in the spool":  Row(503, "spool-full", broker("has no room")),
    "no room at all":        Row(503, "overloaded", crowded),
}
# fmt: on

OF_THE_EVENT = {"missing-id", "missing-object", "invalid-event"}
"""What is wrong within an event: not of every source, see the next test."""
OF_EXPORTS = {slug for slug in PROBLEMS if slug.startswith("export-")}
OF_NO_ENDPOINT = {"broken-request", "head-timeout", "too-many-connections"}
"""Given before it is known what a request is for."""


@pytest.mark.parametrize("path", CASES)
@pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))
def test_every_endpoint_gives_every_answer(apps: Apps, row: Row, path: str) -> None:
    case = CASES[path]
    if not row.of(case):
        return
    ingest = apps[row.variant]
    answer = row.ask(ingest, case)
    assert answer.status == row.status, answer.body
    dead_letters = [topic for topic, _, _ in ingest.broker.sent if topic == DEAD_LETTERS]
    assert bool(dead_letters) is row.kept
    if not row.slug:
        assert answer.json["status"] == "ok"
        return
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert answer.json["type"] == f"/docs#{row.slug}"
    assert answer.json["status"] == row.status
    assert ("retry-after" in answer.headers) is (row.status in (429, 503))
    assert ("www-authenticate" in answer.headers) is (row.status == 401)
    assert case.example.secret not in answer.body.decode()


@pytest.mark.parametrize("path", CASES)
def test_an_event_that_says_nothing_is_refused_and_kept_or_accepted(apps: Apps, path: str) -> None:
    case, ingest = CASES[path], apps["usual"]
    headers = {**case.headers, **JSON}
    for body in (b"{}", b'{"id":null,"type":null}', b'{"type":"","data":null}'):
        ingest.broker.behave("takes")
        answer = case.post(ingest, body, headers)
        [(topic, _, _)] = ingest.broker.sent
        if answer.status == 200:
            assert topic in case.endpoint.topics
        else:
            assert answer.status == 400
            assert answer.json["type"].removeprefix("/docs#") in OF_THE_EVENT
            assert topic == DEAD_LETTERS


def test_every_problem_is_in_the_table() -> None:
    assert {row.slug for row in TABLE.values()} - {""} == (
        set(PROBLEMS) - OF_THE_EVENT - OF_EXPORTS - OF_NO_ENDPOINT
    )


@pytest.mark.parametrize("path", CASES)
def test_what_is_accepted_is_on_the_topics_that_it_says(apps: Apps, path: str) -> None:
    case, ingest = CASES[path], apps["usual"]
    answer = case.good(ingest)
    became = case.example.becomes
    assert [topic for topic, _, _ in ingest.broker.sent] == [it.topic for it in became]
    assert [key.decode() for _, key, _ in ingest.broker.sent] == [it.key for it in became]
    if case.takes_arrays:
        counted = {"published": len(became), "failed": 0, "dead_letters": 0}
        assert answer.json == {"status": "ok", **counted}
    else:
        assert answer.json["topic"] == became[0].topic
        assert answer.json["event_id"]


@pytest.mark.parametrize("path", [path for path, case in CASES.items() if case.takes_arrays])
def test_an_array_that_is_repeated_has_the_same_events(apps: Apps, path: str) -> None:
    case, ingest = CASES[path], apps["usual"]
    ingest.broker.behave("is away", spares=1)
    assert case.good(ingest).status == 503
    first = list(ingest.broker.sent)
    ingest.broker.behave("takes")
    assert case.good(ingest).status == 200
    assert ingest.broker.sent[: len(first)] == first


@pytest.mark.parametrize(
    "line",
    [
        "POST {} FOO/1.1",
        "POST {} HTTP/1.1\r\nno header",
        "POST {}\x01 HTTP/1.1",
        "POST {}&more=" + "x" * 9000 + " HTTP/1.1",
        "{} POST HTTP/1.1",
    ],
    ids=["another protocol", "no header", "control character", "too long", "no method"],
)
def test_a_secret_in_an_address_is_not_logged_even_if_the_request_is_none(
    apps: Apps, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    ingest, secret = apps["usual"], "a-secret-in-the-address"
    request = line.format(f"/webhooks/mailchimp/webhook?secret={secret}") + "\r\nHost: x\r\n\r\n"
    with (
        caplog.at_level("DEBUG"),
        socket.create_connection(("127.0.0.1", ingest.app.port), timeout=10) as connection,
    ):
        connection.sendall(request.encode())
        answer = connection.makefile("rb").read()
    assert answer.split()[1].startswith(b"4")
    assert secret.encode() not in answer
    assert secret not in caplog.text
    assert secret not in str(ingest.logged)


def test_nothing_of_all_this_was_logged_that_is_secret_or_somebodys(apps: Apps) -> None:
    for case in CASES.values():
        case.unsigned(apps["usual"])
        case.post(apps["usual"], b"{", case.headers)
    shown = "".join(str(each.logged) for each in apps.started)
    shown += "".join(each.request("GET", "/metrics").body.decode() for each in apps.started)
    assert "request refused" in shown, "there was something to be told"
    assert "a signed delivery was refused" in shown
    for case in CASES.values():
        assert case.example.secret not in shown
    assert "ada@example.com" not in shown
    assert "?secret" not in shown
