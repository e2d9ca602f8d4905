"""Every setting of ingest does something: each is changed, and something else is seen.

The walk begins with the declared settings, so a new one without a row here fails. A row says what
is seen with the setting as it is by default and what with another value; nothing else differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.generator.signatures import hubspot_v1_signature
from services.ingest.app import IngestApp
from services.ingest.config import IngestSettings
from services.ingest.source_settings import secrets_field
from shared.sources.registry import SOURCES
from shared.sources.spec import Body
from tests.support.arrivals import create_topics
from tests.support.broker import BrokerProcess, running
from tests.support.ingest_in_loop import (
    SOMEBODYS,
    Sender,
    ask,
    post,
    request,
    served,
    until,
)
from tests.support.vendor_signatures import SECRETS
from tests.support.worker_ports import free_port

Observed = Callable[[IngestApp], Awaitable[object]]
PORT = free_port()
SHOPIFY = "/webhooks/shopify/orders"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        value: another one than the default.
        observe: looks at a running ingest.
        before, after: what it sees with the default, and with ``value``.
        beside: other settings, the same both times.
        spools: whether there is a spool.
        broker: whether there is a broker, too.
        away: whether it stops answering before it is looked.

    ``{here}`` in a value is the test's directory.
    """

    value: Any
    observe: Observed
    before: object
    after: object
    beside: Mapping[str, Any] = field(default_factory=dict)
    spools: bool = False
    broker: bool = False
    away: bool = False


def posted(
    source: str = "shopify",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    times: int = 1,
) -> Observed:
    """What is answered to a delivery, or to the last of several."""

    async def observe(app: IngestApp) -> object:
        answers = [await post(app, source, body, headers) for _ in range(times)]
        return answers[-1].status

    return observe


def is_refused_as(problem: str, body: bytes | None = None) -> Observed:
    async def observe(app: IngestApp) -> object:
        answer = await post(app, "shopify", body)
        return answer.status != 200 and answer.problem == problem

    return observe


def sent(data: bytes) -> Observed:
    async def observe(app: IngestApp) -> object:
        return (await ask(app, data)).status

    return observe


def beside_a_slow_one(have: int, rest: Observed) -> Observed:
    """What is seen while a body of which ``have`` bytes are there is still waited for."""

    async def observe(app: IngestApp) -> object:
        async with await Sender.connect(app.port) as slow:
            head = f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: {have + 1}\r\n\r\n"
            await slow.send(head.encode() + b"x" * have)
            await until(lambda: app.admission.bytes >= have)
            return await rest(app)

    return observe


def late(text: bytes, told: str) -> Observed:
    """Whether the answer to what never becomes a whole request says this."""

    async def observe(app: IngestApp) -> object:
        async with await Sender.connect(app.port) as sender:
            await sender.send(text)
            answer = await sender.answer()
            assert answer.status == 408
            return told in answer.json["detail"]

    return observe


def is_given_up(first: bytes) -> Observed:
    """Whether a connection is answered or closed soon after these bytes."""

    async def observe(app: IngestApp) -> object:
        async with await Sender.connect(app.port) as sender:
            await sender.send(first)
            return await sender.hears(within_s=0.5)

    return observe


async def port(app: IngestApp) -> object:
    return app.port == PORT


async def enough_connections(app: IngestApp) -> object:
    async with await Sender.connect(app.port) as busy:
        await busy.send(
            f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx".encode()
        )
        await until(lambda: app.admission.deliveries == 1)
        async with await Sender.connect(app.port) as another:
            await another.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            return (await another.answer()).status


async def spool_directory(app: IngestApp) -> list[str]:
    """Where the spool is, once something is in it."""
    assert (await post(app, "shopify")).status == 200
    directory = app.settings.ingest_spool_dir
    assert directory is not None
    [segment] = [path for path in directory.rglob("*") if path.is_file() and "shopify" in str(path)]
    return [directory.name, *segment.relative_to(directory).parts]


def in_spool(part: str) -> Observed:
    """Whether the spool is in a directory of this name."""

    async def observe(app: IngestApp) -> object:
        return part in await spool_directory(app)

    return observe


def told_within(seconds: str) -> Observed:
    """Whether the broker, which does not answer any more, is given up after so long."""

    async def observe(app: IngestApp) -> object:
        answer = await post(app, "shopify")
        if answer.status == 503:
            return f"within {seconds} s" in answer.json["detail"]
        state = (await ask(app, request("/info", method="GET"))).json
        return f"within {seconds} s" in state["spooling"]["reason"]

    return observe


def unsigned(source: str) -> Observed:
    spec = SOURCES[source]
    return sent(request(spec.endpoints[0].path, b"{}"))


def exported(headers: Mapping[str, str], *, times: int = 1) -> Observed:
    """What is answered to a request that names an export, or to the last of several."""

    async def observe(app: IngestApp) -> object:
        body = b'{"uri":"/nowhere"}'
        named = request("/ingest/ga4/exports", body, headers)
        answers = [await ask(app, named) for _ in range(times)]
        return answers[-1].status

    return observe


async def announces(app: IngestApp) -> object:
    """Whether a file that appears where exports may be is soon announced."""
    file = Path(app.settings.export_prefixes) / "new.parquet"
    pq.write_table(pa.table({"any": [1]}), file)
    line = 'lakehouse_events_sent_total{service="ingest",topic="ga4.exports"}'
    for _ in range(30):
        if line in app.instruments.exposition().decode():
            return True
        await asyncio.sleep(0.05)
    return False


BEARER = {"Authorization": f"Bearer {SOMEBODYS}"}
HERE = {"export_prefixes": "{here}"}
DEEP = b'{"id":1,"a":[[[[]]]]}'
FORM = b"type=subscribe&data[id]=1&data[list_id]=2&data[email]=a%40b.example"
FIELDS = FORM + b"".join(b"&data[merges][F%d]=1" % number for number in range(20))
HUBSPOT_EVENTS = b"[%b]" % b",".join(
    b'{"eventId":%d,"subscriptionType":"contact.creation","objectId":42}' % n for n in range(3)
)


def old_hubspot() -> bytes:
    body: bytes = SOURCES["hubspot"].examples[0].body
    old = hubspot_v1_signature(SECRETS["BERGLINE_INGEST_HUBSPOT_SECRETS"], body)
    headers = {"X-HubSpot-Signature": old, "X-HubSpot-Signature-Version": "v1"}
    return request("/webhooks/hubspot/webhook", body, headers)


def large(size: int) -> bytes:
    return b'{"id":1,"x":"%b"}' % (b"x" * size)


PART = f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode() + b"x" * 700

ROWS: dict[str, Row] = {
    "ingest_port": Row(PORT, port, False, True),
    "ingest_public_urls": Row(("https://other.example",), posted("hubspot"), 200, 401),
    "ingest_skip_signature_validation": Row(True, sent(request(SHOPIFY, b'{"id":1}')), 401, 200),
    "ingest_body_limit_bytes": Row(1024, posted(body=large(1024)), 200, 413),
    "ingest_body_timeout_s": Row(
        0.2, late(PART, "after 0.2 s"), False, True, beside={"ingest_body_min_bytes_per_s": 0}
    ),
    "ingest_body_min_bytes_per_s": Row(
        10_000, late(PART, "slower than 10000"), False, True, beside={"ingest_body_timeout_s": 1.2}
    ),
    "ingest_ack_timeout_s": Row(
        0.3, told_within("0.3"), False, True, beside={"ingest_spool": False}, broker=True, away=True
    ),
    "ingest_spool_after_s": Row(0.3, told_within("0.3"), False, True, broker=True, away=True),
    "ingest_max_in_flight": Row(1, beside_a_slow_one(1, posted()), 200, 503),
    "ingest_max_in_flight_bytes": Row(
        4 * MEBIBYTE, beside_a_slow_one(2_000_000, posted(body=large(200_000))), 200, 503
    ),
    "ingest_in_flight_source_share": Row(
        0.25, beside_a_slow_one(1, posted()), 200, 503, beside={"ingest_max_in_flight": 4}
    ),
    "ingest_rate_limit_per_s": Row(0.01, posted(times=2), 200, 429),
    "ingest_byte_limit_per_s": Row(0.01, posted(times=2), 200, 429),
    "ingest_json_depth_limit": Row(4, posted(body=DEEP), 200, 400),
    "ingest_form_fields_limit": Row(10, posted("mailchimp", FIELDS), 200, 400),
    "ingest_form_depth_limit": Row(2, posted("mailchimp", FIELDS), 200, 400),
    "ingest_max_connections": Row(1, enough_connections, 200, 503),
    "ingest_idle_timeout_s": Row(0.1, is_given_up(b""), False, True),
    "ingest_head_timeout_s": Row(0.1, is_given_up(b"POST /w"), False, True),
    "ingest_head_limit_bytes": Row(1024, posted(headers={"X-Long": "x" * 2000}), 200, 431),
    "ingest_headers_limit": Row(
        10, posted(headers={f"X-{number}": "x" for number in range(10)}), 200, 431
    ),
    "ingest_url_limit_bytes": Row(
        128, sent(request(f"/livez?{'x' * 200}", method="GET")), 200, 414
    ),
    "ingest_spool": Row(False, is_refused_as("broker-unavailable"), False, True, spools=True),
    "ingest_spool_dir": Row(Path("elsewhere"), in_spool("elsewhere"), False, True, spools=True),
    "ingest_spool_number": Row(7, in_spool("0007"), False, True, spools=True),
    "ingest_spool_max_bytes": Row(
        64 * 1024, is_refused_as("spool-full", large(60_000)), False, True, spools=True
    ),
    "ingest_spool_source_share": Row(
        0.01,
        is_refused_as("spool-full", large(60_000)),
        False,
        True,
        beside={"ingest_spool_max_bytes": MEBIBYTE},
        spools=True,
    ),
    "ingest_ga4_enabled": Row(False, exported({}), 401, 404),
    "ingest_ga4_secrets": Row(("another-secret-of-somebody",), exported(BEARER), 403, 401),
    "ingest_ga4_rate_limit_per_s": Row(0.01, exported(BEARER, times=2), 403, 429),
    "ingest_ga4_watch_urls": Row(
        ("{here}",),
        announces,
        False,
        True,
        beside={**HERE, "ingest_export_watch_interval_s": 0.05},
        broker=True,
    ),
    "ingest_export_watch_interval_s": Row(
        0.05,
        announces,
        False,
        True,
        beside={**HERE, "ingest_ga4_watch_urls": ("{here}",)},
        broker=True,
    ),
    "ingest_hubspot_old_signatures": Row(True, sent(old_hubspot()), 401, 200),
}


def _of_every_source() -> Iterator[tuple[str, Row]]:
    for name, source in SOURCES.items():
        if not source.endpoints:
            continue
        other = f"{source.signature.secret_prefix}b3RoZXIgc2VjcmV0IG9mIDMyIGJ5dGVzIGF0IGxlYXN0"
        yield f"ingest_{name}_enabled", Row(False, unsigned(name), 401, 404)
        yield secrets_field(name), Row((other,), posted(name), 200, 401)
        for limit in ("rate", "byte"):
            field_ = f"ingest_{name}_{limit}_limit_per_s"
            yield field_, Row(0.01, posted(name, times=2), 200, 429)
        if Body.JSON_EVENTS in source.endpoints[0].bodies:
            yield f"ingest_{name}_events_limit", Row(2, posted(name, HUBSPOT_EVENTS), 200, 400)


ROWS.update(_of_every_source())
FIELDS_OF_INGEST = [name for name in IngestSettings.model_fields if name.startswith("ingest_")]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    for process in running(tmp_path_factory.mktemp("broker")):
        create_topics(process.bootstrap)
        yield process


async def seen(
    row: Row, settings: dict[str, Any], directory: Path, broker: BrokerProcess
) -> object:
    if not row.broker:
        async with served(directory, stand_in=not row.spools, **settings) as app:
            return await row.observe(app)
    async with served(directory, stand_in=False, brokers=broker.bootstrap, **settings) as app:
        await until(lambda: app.publisher.reason is None)
        if not row.away:
            return await row.observe(app)
        broker.pause()
        try:
            return await row.observe(app)
        finally:
            broker.resume()


def placed(value: Any, here: Path) -> Any:
    match value:
        case Path():
            return here / value
        case str():
            return value.format(here=here)
        case tuple():
            return tuple(placed(each, here) for each in value)
    return value


def test_every_setting_has_a_row_and_no_row_is_left_over() -> None:
    assert sorted(ROWS) == sorted(FIELDS_OF_INGEST)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", FIELDS_OF_INGEST)
async def test_changing_it_changes_what_is_seen(
    name: str, tmp_path: Path, broker: BrokerProcess
) -> None:
    row = ROWS[name]
    value = placed(row.value, tmp_path)
    assert value != IngestSettings.model_fields[name].default
    beside = {field_: placed(other, tmp_path) for field_, other in row.beside.items()}
    before, after = tmp_path / "before", tmp_path / "after"
    if row.broker:
        # One broker cannot be away for one of them only.
        found = [
            await seen(row, beside, before, broker),
            await seen(row, {**beside, name: value}, after, broker),
        ]
    else:
        found = list(
            await asyncio.gather(
                seen(row, beside, before, broker),
                seen(row, {**beside, name: value}, after, broker),
            )
        )
    assert found == [row.before, row.after]
