"""Builds can begin when transformer says that it has a worker, and not before."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.demo.build_workers import able_to_build
from shared.runtime.errors import Unavailable

NONE: dict[str, Any] = {"pool": {"workers": []}}
ONE: dict[str, Any] = {"pool": {"workers": [{"pid": 1, "builds": None}]}}


async def asked(answers: list[dict[str, Any]], deadline_s: float) -> int:
    """How often a transformer that answers this, the last one for ever, was asked."""
    times = 0
    coming: Iterator[dict[str, Any]] = iter(answers)

    async def info(_: web.Request) -> web.Response:
        nonlocal times
        times += 1
        return web.json_response(next(coming, answers[-1]))

    app = web.Application()
    app.router.add_get("/info", info)
    async with TestServer(app) as server:
        await able_to_build(str(server.make_url("")).rstrip("/"), deadline_s=deadline_s)
    return times


def test_it_is_waited_for_until_there_is_a_worker() -> None:
    assert asyncio.run(asked([{}, NONE, ONE], 60)) == 3


def test_no_worker_in_time_says_where_to_look() -> None:
    with pytest.raises(Unavailable, match="no process to build in"):
        asyncio.run(asked([NONE], 0.0))


def test_a_transformer_that_does_not_answer_has_no_worker() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(able_to_build("http://127.0.0.1:1", deadline_s=0.0))
