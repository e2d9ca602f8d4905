"""A table is built where what it reads is still at hand."""

from __future__ import annotations

import asyncio

import pytest

from services.transformer.workers.free_workers import FreeWorkers


@pytest.fixture
def workers() -> FreeWorkers[str]:
    made: FreeWorkers[str] = FreeWorkers()
    for name in ("one", "two"):
        made.give(name)
    return made


@pytest.mark.asyncio
async def test_a_table_goes_to_the_worker_that_built_it_last(workers: FreeWorkers[str]) -> None:
    orders, customers = await workers.take("orders"), await workers.take("customers")
    for _ in range(3):
        workers.give(orders)
        workers.give(customers)
        assert await workers.take("orders") == orders
        assert await workers.take("customers") == customers


@pytest.mark.asyncio
async def test_a_table_that_none_has_built_goes_to_the_one_that_built_last(
    workers: FreeWorkers[str],
) -> None:
    orders, customers = await workers.take("orders"), await workers.take("customers")
    workers.give(customers)
    workers.give(orders)
    assert await workers.take("summary") == orders


@pytest.mark.asyncio
async def test_no_table_waits_for_its_own_worker_while_another_one_is_free(
    workers: FreeWorkers[str],
) -> None:
    orders = await workers.take("orders")
    workers.give(orders)
    assert await workers.take("summary") == orders
    assert await workers.take("orders") != orders


@pytest.mark.asyncio
async def test_who_waits_first_is_served_first_and_who_gave_up_never(
    workers: FreeWorkers[str],
) -> None:
    for target in ("a", "b"):
        await workers.take(target)
    waiting = [asyncio.create_task(workers.take(target)) for target in ("c", "d", "e")]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait({waiting[0]})
    workers.give("one")
    assert await waiting[1] == "one"
    workers.give("two")
    assert await waiting[2] == "two"


@pytest.mark.asyncio
async def test_a_worker_given_to_somebody_who_gives_up_in_that_moment_is_free_again(
    workers: FreeWorkers[str],
) -> None:
    for target in ("a", "b"):
        await workers.take(target)
    waiting = asyncio.create_task(workers.take("c"))
    await asyncio.sleep(0)
    workers.give("one")
    waiting.cancel()
    await asyncio.wait({waiting})
    async with asyncio.timeout(5):
        assert await workers.take("d") == "one"


@pytest.mark.asyncio
async def test_workers_that_are_no_more_are_given_to_nobody(workers: FreeWorkers[str]) -> None:
    workers.clear()
    waiting = asyncio.create_task(workers.take("a"))
    await asyncio.sleep(0)
    workers.give("three")
    assert await waiting == "three"
