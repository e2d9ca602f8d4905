"""The peer of ``bench ingest``: the least that an aiohttp server can do with a webhook.

It reads the body and answers 202: no signature, no parsing, no broker. It gets the same event loop
as ingest, and aiohttp with its own defaults but for the access log, which neither writes.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from services.ingest.__main__ import loop_factory
from shared.runtime.errors import Unavailable
from tests.bench.http_load import listens
from tests.support.worker_ports import free_port

LISTENS_WITHIN_SECONDS = 20.0


@contextmanager
def bare_server() -> Iterator[tuple[int, int]]:
    """The running server: its pid and port, as soon as it listens."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare_server", str(port)], cwd=Path(__file__).parents[2]
    )
    try:
        deadline = time.monotonic() + LISTENS_WITHIN_SECONDS
        while not listens(port):
            code = process.poll()
            if code is not None or time.monotonic() > deadline:
                raise Unavailable(f"the bare server does not listen (exit code {code})")
            time.sleep(0.02)
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202)


async def _serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/{path:.*}", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(int(sys.argv[1])))
