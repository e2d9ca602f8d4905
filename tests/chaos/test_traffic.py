"""The senders' ledger tells what was answered, whatever the receiver did."""

from __future__ import annotations

import asyncio
import csv
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from deploy.generator.signing import Signer
from tests.chaos.traffic import COLUMNS, Traffic

SIGNER = Signer({"shopify": SecretStr("one"), "stripe": SecretStr("two")})
RATE = 200.0
ENOUGH = 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def traffic_on(
    handler: Handler, ledger: Path, until: Callable[[Traffic], bool], patience_s: float
) -> Traffic:
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    traffic = Traffic(url, SIGNER, ledger, rate=RATE, seed=5)
    traffic.start()
    try:
        async with asyncio.timeout(20):
            while not until(traffic):  # noqa: ASYNC110 it becomes true in another thread
                await asyncio.sleep(0.01)
    finally:
        await asyncio.to_thread(traffic.stop, patience_s)
        await runner.cleanup()
    return traffic


def lines(ledger: Path) -> list[dict[str, str]]:
    with ledger.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert all(set(line) == set(COLUMNS) for line in found)
    return found


@pytest.mark.asyncio
async def test_every_attempt_is_counted_until_it_is_accepted(tmp_path: Path) -> None:
    """The first attempt is cut off, the second refused, the third taken."""
    attempts: Counter[bytes] = Counter()
    bodies: set[str] = set()

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        attempts[body] += 1
        if attempts[body] == 1:
            assert request.transport is not None
            request.transport.close()
        if attempts[body] < 3:
            return web.Response(status=503, headers={"Retry-After": "0"})
        bodies.add(hashlib.md5(body, usedforsecurity=False).hexdigest())
        return web.json_response({"delivery_id": f"id-{len(attempts)}"})

    def enough(traffic: Traffic) -> bool:
        return traffic.counts["accepted"] >= ENOUGH

    traffic = await traffic_on(handler, tmp_path / "ledger", enough, 20)
    once = lines(tmp_path / "ledger")
    assert len(once) == traffic.counts["begun"] == traffic.counts["accepted"]
    assert {line["body_md5"] for line in once} == bodies
    first = [line for line in once if line["attempts"] == "3"]
    assert len(first) >= ENOUGH
    assert {(line["unanswered"], line["accepted"]) for line in first} == {("1", "1")}
    assert all(line["delivery_id"].startswith("id-") for line in once)


@pytest.mark.asyncio
async def test_what_was_never_taken_is_in_the_ledger_as_such(tmp_path: Path) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503)

    def enough(traffic: Traffic) -> bool:
        return traffic.counts["begun"] >= ENOUGH

    traffic = await traffic_on(handler, tmp_path / "ledger", enough, 0.5)
    found = lines(tmp_path / "ledger")
    assert len(found) == traffic.counts["begun"] == traffic.counts["refused"]
    assert {(line["accepted"], line["delivery_id"]) for line in found} == {("0", "")}
