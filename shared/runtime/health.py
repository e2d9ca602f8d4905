"""The same HTTP face on every service: ``/livez /readyz /health /metrics /info``."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from aiohttp import web

from shared.runtime.metrics import Instruments

Readiness = Callable[[], str | None]
"""Returns ``None`` when ready, otherwise the reason why not."""

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers a GET."""


def bergline_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("bergline")
    except PackageNotFoundError:
        return "0+unknown"


def add_health_routes(
    app: web.Application,
    instruments: Instruments,
    ready: Readiness,
    info: Callable[[], dict[str, object]] | None = None,
    notes: Callable[[], dict[str, object]] | None = None,
) -> None:
    """Add the five routes.

    ``/livez`` and ``/health`` answer 200 while the event loop turns; ``/readyz`` answers 503 with
    the reason until ``ready()`` returns ``None``, and adds what ``notes()`` returns; ``/info`` adds
    what ``info()`` returns.
    """
    started = time.time()

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "healthy", "service": instruments.service})

    async def readyz(_: web.Request) -> web.Response:
        reason = ready()
        beside = {} if notes is None else notes()
        if reason is None:
            return web.json_response({"status": "ready", **beside})
        return web.json_response({"status": "not_ready", "reason": reason, **beside}, status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=instruments.exposition(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def info_(_: web.Request) -> web.Response:
        body: dict[str, object] = {
            "service": instruments.service,
            "version": bergline_version(),
            "pid": os.getpid(),
            "uptime_s": round(time.time() - started, 3),
        }
        if info is not None:
            body.update(info())
        return web.json_response(body)

    app.router.add_get("/livez", live)
    app.router.add_get("/health", live)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/info", info_)


@contextlib.asynccontextmanager
async def served(
    bind: str,
    port: int,
    instruments: Instruments,
    ready: Readiness,
    info: Callable[[], dict[str, object]],
    pages: Mapping[str, Page] | None = None,
    notes: Callable[[], dict[str, object]] | None = None,
) -> AsyncIterator[None]:
    """The five routes, and ``pages`` by their paths, are answered at this address meanwhile."""
    application = web.Application()
    add_health_routes(application, instruments, ready, info, notes)
    for path, page in (pages or {}).items():
        application.router.add_get(path, page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, bind, port).start()
    try:
        yield
    finally:
        await runner.cleanup()
