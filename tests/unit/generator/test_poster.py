"""The poster behaves as a vendor: retries when asked to, keeps count of what nobody answered."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web
from pydantic import SecretStr

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.load import steady_load
from deploy.generator.plan import plan, stream
from deploy.generator.poster import MAX_ATTEMPTS, Outcome, Poster
from deploy.generator.signing import Signer

SIGNER = Signer({"shopify": SecretStr("one"), "stripe": SecretStr("two")})
GOOD = [delivery for delivery in plan(3, 200) if delivery.accepted]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def with_server(
    handler: Handler, use: Callable[[str], Awaitable[list[Outcome]]]
) -> list[Outcome]:
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return await use(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


async def post_all(handler: Handler, deliveries: list[Delivery], **options: int) -> list[Outcome]:
    async def use(url: str) -> list[Outcome]:
        return await Poster(url, SIGNER, **options).post(deliveries)

    return await with_server(handler, use)


def accepted(number: int) -> web.Response:
    return web.json_response({"status": "ok", "delivery_id": f"id-{number}"})


@pytest.mark.asyncio
async def test_outcomes_come_in_plan_order_with_the_ids_of_the_answers() -> None:
    bodies: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return accepted(len(bodies))

    outcomes = await post_all(handler, GOOD)

    assert [outcome.delivery for outcome in outcomes] == GOOD
    assert {outcome.delivery_id for outcome in outcomes} == {
        f"id-{number}" for number in range(1, len(GOOD) + 1)
    }
    assert Counter(bodies) == Counter(delivery.body for delivery in GOOD)
    assert all(outcome.as_expected and outcome.attempts == 1 for outcome in outcomes)


@pytest.mark.asyncio
async def test_a_busy_ingest_is_asked_again_and_the_last_answer_counts() -> None:
    tries: Counter[bytes] = Counter()

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        tries[body] += 1
        if tries[body] < 3:
            return web.Response(status=503, headers={"Retry-After": "0"})
        return accepted(tries[body])

    [outcome] = await post_all(handler, GOOD[:1])

    assert (outcome.status, outcome.attempts, outcome.unknown) == (200, 3, 0)
    assert outcome.delivery_id == "id-3"


@pytest.mark.asyncio
async def test_patience_ends() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "0"})

    [outcome] = await post_all(handler, GOOD[:1])

    assert (outcome.status, outcome.attempts, outcome.accepted) == (503, MAX_ATTEMPTS, False)


@pytest.mark.asyncio
async def test_a_refusal_is_final_and_names_its_dead_letter() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"status": 400, "instance": "urn:uuid:abc"}, status=400)

    [outcome] = await post_all(handler, [replace(GOOD[0], status=400)])

    assert (outcome.status, outcome.attempts, outcome.delivery_id) == (400, 1, "abc")
    assert outcome.as_expected
    assert not outcome.accepted


@pytest.mark.asyncio
async def test_a_connection_cut_before_the_answer_is_counted_as_unknown() -> None:
    tries = Counter[str]()

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        tries["all"] += 1
        if tries["all"] == 1 and request.transport is not None:
            request.transport.abort()
        return accepted(tries["all"])

    [outcome] = await post_all(handler, GOOD[:1])

    assert (outcome.status, outcome.attempts, outcome.unknown) == (200, 2, 1)


@pytest.mark.asyncio
async def test_no_more_posts_are_under_way_than_allowed() -> None:
    under_way = most = 0
    full = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        nonlocal under_way, most
        await request.read()
        under_way += 1
        most = max(most, under_way)
        if under_way == 4:
            full.set()
        await full.wait()
        under_way -= 1
        return accepted(most)

    await post_all(handler, GOOD[:40], concurrency=4)

    assert most == 4


@pytest.mark.asyncio
async def test_steady_load_keeps_its_rate_and_returns_the_accepted_ids() -> None:
    answered = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal answered
        await request.read()
        answered += 1
        return accepted(answered)

    loop = asyncio.get_running_loop()
    began = loop.time()

    async def use(url: str) -> list[Outcome]:
        load = await steady_load(url, SIGNER, rate=100, seconds=0.5)
        assert load.accepted == {f"id-{number}" for number in range(1, 51)}
        assert (load.refused, load.unknown) == (0, 0)
        return list(load.outcomes)

    assert len(await with_server(handler, use)) == 50
    assert loop.time() - began >= 49 / 100


def test_a_stream_has_no_refusals_and_no_end() -> None:
    source = stream(9)
    first = [next(source) for _ in range(1_500)]
    second = [next(source) for _ in range(1_500)]

    assert all(delivery.accepted for delivery in first + second)
    created = [d.event_id for d in first + second if d.kind is not Kind.REDELIVERY]
    assert len(created) == len(set(created))
