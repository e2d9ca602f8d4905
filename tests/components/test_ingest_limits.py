"""Senders that want more than their part: each is refused with its own problem, no other notices.

All of it goes through real sockets and the event loop that ingest has in production.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.ingest.__main__ import loop_factory
from services.ingest.app import IngestApp
from tests.support.ingest_in_loop import Answer, Sender, ask, post, request, served, signed, until

SHOPIFY = "/webhooks/shopify/orders"
GOOD = b'{"id":1}'
HEAD = f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\n".encode()


def in_production(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs a test in the event loop of the service."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        async def done() -> None:
            async with asyncio.timeout(60):
                await test(*arguments, **named)

        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(done())

    return run


@asynccontextmanager
async def limited(directory: Path, **changed: Any) -> AsyncIterator[IngestApp]:
    """An ingest that in the end holds nothing of anybody, and is as good as ever."""
    async with served(directory, **changed) as app:
        yield app
        await until(lambda: app.admission.deliveries == 0)
        assert app.admission.bytes == 0
        assert (await post(app, "shopify", GOOD)).status == 200


async def refused(app: IngestApp, sent: bytes, status: int, problem: str) -> Answer:
    """The answer to what is refused, with the reason that it must have."""
    answer = await ask(app, sent)
    assert (answer.status, answer.problem) == (status, problem)
    return answer


def count(app: IngestApp, source: str, reason: str) -> float:
    """How often requests were refused."""
    start = f'lakehouse_requests_refused_total{{reason="{reason}",source="{source}"}} '
    for line in app.instruments.exposition().decode().splitlines():
        if line.startswith(start):
            return float(line.removeprefix(start))
    return 0.0


@in_production
async def test_a_head_that_comes_byte_by_byte_is_408_and_its_bytes_buy_no_time(
    tmp_path: Path,
) -> None:
    async with (
        limited(tmp_path, ingest_head_timeout_s=0.3) as app,
        await Sender.connect(app.port) as slow,
    ):

        async def trickle() -> None:
            for byte in HEAD * 100:
                await slow.send(bytes((byte,)))
                await asyncio.sleep(0.02)

        trickling = asyncio.ensure_future(trickle())
        answer = await slow.answer()
        assert (answer.status, answer.problem) == (408, "head-timeout")
        assert answer.headers["connection"] == "close"
        assert await slow.ended()
        trickling.cancel()
        assert count(app, "none", "head_timeout") == 1


@in_production
async def test_a_head_without_an_end_is_431(tmp_path: Path) -> None:
    async with limited(tmp_path, ingest_head_limit_bytes=1024) as app:
        for part in (b"X: y\r\n", b"x" * 100):
            async with await Sender.connect(app.port) as endless:
                sending = asyncio.ensure_future(send_for_ever(endless, HEAD, part))
                answer = await endless.answer()
                assert answer.status == 431
                sending.cancel()


@in_production
async def test_many_fields_that_are_small_are_431_in_sum_and_in_number(tmp_path: Path) -> None:
    async with limited(tmp_path) as app:
        large = b"".join(b"X-%d: %b\r\n" % (number, b"y" * 1000) for number in range(40))
        await refused(app, HEAD + large + b"\r\n", 431, "head-too-large")
        many = b"".join(b"X-%d: y\r\n" % number for number in range(101))
        await refused(app, HEAD + many + b"\r\n", 431, "too-many-headers")
        await refused(app, request(f"{SHOPIFY}?{'x' * 9000}"), 414, "url-too-long")
        assert count(app, "none", "url_too_long") == 1


async def send_for_ever(sender: Sender, first: bytes, part: bytes) -> None:
    await sender.send(first)
    while True:
        await sender.send(part)
        await asyncio.sleep(0)


@in_production
@pytest.mark.parametrize("rate", [0, 10_000])
async def test_a_body_that_comes_byte_by_byte_is_408(tmp_path: Path, rate: int) -> None:
    changed = {"ingest_body_timeout_s": 1.2, "ingest_body_min_bytes_per_s": rate}
    async with limited(tmp_path, **changed) as app, await Sender.connect(app.port) as slow:
        await slow.send(HEAD + b"Content-Length: 1000\r\n\r\n")

        async def trickle() -> None:
            while True:
                await slow.send(b" ")
                await asyncio.sleep(0.02)

        trickling = asyncio.ensure_future(trickle())
        await until(lambda: app.admission.deliveries == 1)
        # Nobody waits for it.
        assert (await post(app, "shopify", GOOD)).status == 200
        answer = await slow.answer()
        assert (answer.status, answer.problem) == (408, "body-timeout")
        assert ("slower than 10000" in answer.json["detail"]) is bool(rate)
        trickling.cancel()


@in_production
async def test_deep_json_is_400_wherever_json_is_taken(tmp_path: Path) -> None:
    deep = b"[" * 10_000 + b"]" * 10_000
    async with limited(tmp_path) as app:
        for source, body in (
            ("shopify", b'{"id":1,"x":%b}' % deep),
            ("stripe", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
            ("hubspot", deep),
            ("mailchimp", deep),
            ("standard", b'{"data":%b}' % deep),
        ):
            headers = {"Content-Type": "application/json"}
            answer = await post(app, source, body, headers)
            assert (answer.status, answer.problem) == (400, "too-deep"), source


@in_production
@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip", "gzip, gzip", "br"])
async def test_what_would_have_to_be_inflated_is_415(tmp_path: Path, coding: str) -> None:
    bomb = gzip.compress(zlib.compress(bytes(8 * 1024 * 1024)))
    async with limited(tmp_path) as app:
        target, body, headers = signed("shopify", bomb)
        headers["Content-Encoding"] = coding
        answer = await refused(app, request(target, body, headers), 415, "content-encoding")
        assert answer.headers["accept-encoding"] == "identity"
        # Not by another way either.
        framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)
        sent = HEAD + f"Transfer-Encoding: {coding}, chunked\r\n\r\n".encode() + framed
        assert (await ask(app, sent)).status in (400, 401)


@in_production
async def test_a_gibibyte_that_is_announced_is_413_before_it_comes(tmp_path: Path) -> None:
    async with limited(tmp_path) as app:
        announced = HEAD + b"Content-Length: %d\r\n\r\n" % 1024**3
        answer = await refused(app, announced, 413, "body-too-large")
        assert SHOPIFY in answer.json["detail"]
        assert count(app, "shopify", "body_too_large") == 1


@in_production
async def test_chunks_without_an_end_are_413(tmp_path: Path) -> None:
    async with (
        limited(tmp_path, ingest_body_limit_bytes=64 * 1024) as app,
        await Sender.connect(app.port) as endless,
    ):
        chunk = b"%x\r\n%b\r\n" % (4096, b"x" * 4096)
        first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        sending = asyncio.ensure_future(send_for_ever(endless, first, chunk))
        answer = await endless.answer()
        assert (answer.status, answer.problem) == (413, "body-too-large")
        sending.cancel()
        assert await endless.ended()


@in_production
async def test_those_who_only_sit_there_make_room(tmp_path: Path) -> None:
    async with limited(tmp_path, ingest_max_connections=40) as app, AsyncExitStack() as stack:
        for number in range(150):
            idle = await stack.enter_async_context(await Sender.connect(app.port))
            if number % 3 == 0:
                await idle.send(HEAD)
            elif number % 3 == 1:
                await idle.send(request("/livez", method="GET"))
                assert (await idle.answer()).status == 200
            if number % 10 == 0:
                assert (await post(app, "stripe")).status == 200
            assert len(app.connections) <= 40
        assert count(app, "none", "too_many_connections") == 0


@in_production
async def test_who_has_a_request_under_way_keeps_its_connection(tmp_path: Path) -> None:
    async with limited(tmp_path, ingest_max_connections=2) as app, AsyncExitStack() as stack:
        busy = [await stack.enter_async_context(await Sender.connect(app.port)) for _ in range(2)]
        for sender in busy:
            await sender.send(HEAD + b"Content-Length: 10\r\n\r\nx")
        await until(lambda: app.admission.deliveries == 2)
        async with await Sender.connect(app.port) as third:
            answer = await third.answer()
            assert (answer.status, answer.problem) == (503, "too-many-connections")
            assert int(answer.headers["retry-after"]) >= 1
            assert await third.ended()
        for sender in busy:
            await sender.send(b"x" * 9)
            assert (await sender.answer()).status == 401


@in_production
async def test_idle_connections_are_closed_and_used_ones_are_not(tmp_path: Path) -> None:
    async with limited(tmp_path, ingest_idle_timeout_s=0.3) as app, AsyncExitStack() as stack:
        unused, plain, framework = [
            await stack.enter_async_context(await Sender.connect(app.port)) for _ in range(3)
        ]
        await plain.send(request(*signed("shopify")))
        await framework.send(request("/livez", method="GET"))
        for sender in (plain, framework):
            assert (await sender.answer()).status == 200
        for sender in (unused, plain, framework):
            assert await sender.ended()
        await until(lambda: len(app.connections) == 0)


@in_production
async def test_who_never_reads_its_answers_is_cut_off(tmp_path: Path) -> None:
    async with (
        limited(tmp_path, ingest_idle_timeout_s=0.3) as app,
        await Sender.connect(app.port) as deaf,
    ):
        await deaf.send(request("/openapi.json", method="GET") * 1000)
        await until(lambda: len(app.connections) == 0)


@in_production
async def test_one_source_takes_its_part_and_others_have_theirs(tmp_path: Path) -> None:
    async with (
        limited(tmp_path, ingest_max_in_flight=4) as app,
        AsyncExitStack() as stack,
    ):
        for _ in range(2):
            slow = await stack.enter_async_context(await Sender.connect(app.port))
            await slow.send(HEAD + b"Content-Length: 10\r\n\r\nx")
        await until(lambda: app.admission.deliveries == 2)
        answer = await post(app, "shopify", GOOD)
        assert (answer.status, answer.problem) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await post(app, "stripe")).status == 200
        await stack.aclose()
        await until(lambda: app.admission.deliveries == 0)


@in_production
async def test_one_source_beyond_its_rate_waits_and_others_do_not(tmp_path: Path) -> None:
    rates = {"ingest_stripe_rate_limit_per_s": 1, "ingest_hubspot_byte_limit_per_s": 1}
    async with limited(tmp_path, **rates) as app:
        for source in ("stripe", "hubspot"):
            assert (await post(app, source)).status == 200
            answer = await post(app, source)
            assert (answer.status, answer.problem) == (429, "rate-limited")
            assert int(answer.headers["retry-after"]) >= 1
            assert (await post(app, "shopify", GOOD)).status == 200
            assert count(app, source, "rate_limited") == 1


@in_production
async def test_refused_requests_are_told_once_a_second_and_never_whole(tmp_path: Path) -> None:
    async with limited(tmp_path) as app:
        body = b'{"id":1,"email":"ada@example.com"}'
        headers = {"X-Shopify-Hmac-Sha256": "bm90IHRoZSBzaWduYXR1cmU="}
        with capture_logs() as lines:
            for _ in range(20):
                await refused(app, request(SHOPIFY, body, headers), 401, "invalid-signature")
        told = [line for line in lines if line["event"] == "request refused"]
        assert 1 <= len(told) < 20
        assert told[0]["source"] == "shopify"
        assert told[0]["body_bytes"] == len(body)
        assert "ada" not in repr(told)
        assert "bm90" not in repr(told)
        assert count(app, "shopify", "invalid_signature") == 20
