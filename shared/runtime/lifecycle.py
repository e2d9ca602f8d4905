"""How a service process starts and ends: one entry point, two signals, a bounded drain."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

from shared.runtime import logging
from shared.runtime.errors import BerglineError
from shared.runtime.settings import Settings

DRAIN_SECONDS = 10.0
"""Longest time between SIGTERM and the end of a process."""

TIDY_SECONDS = 1.0
"""Part of it that is left to the loop and to threads after the drain."""

Main = Callable[[asyncio.Event], Awaitable[None]]
"""A service: runs until the event is set, then drains and returns."""


def run_service(
    service: str,
    settings: Settings,
    main: Main,
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> int:
    """Run ``main`` until SIGTERM or SIGINT; the exit code of the process.

    ``loop_factory`` makes the event loop, asyncio's own by default.

    Returns 0 after a drain, the error's exit code when start-up fails with a message for humans,
    1 when the drain takes too long. In any case the process ends :data:`DRAIN_SECONDS` after the
    signal, or after ``main`` has failed: a thread that waits for a silent server does not keep it.
    """
    logging.configure(service, settings.log_level, settings.log_format)
    gc.freeze()  # some 170,000 objects of imports, which stay: to look through them takes 0.1 s
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(_supervised(service, main))
    except BerglineError as error:
        print(f"{service}: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code


async def _supervised(service: str, main: Main) -> int:
    log = logging.logger(service)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not stop.is_set():
            _leave_within(DRAIN_SECONDS)
            stop.set()

    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, end)
    task = asyncio.ensure_future(main(stop))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    end()  # as well when the service has ended by itself
    if not task.done():
        limit_s = DRAIN_SECONDS - TIDY_SECONDS
        log.info("draining", limit_s=limit_s)
        await asyncio.wait({task}, timeout=limit_s)
    if not task.done():
        log.error("drain took too long, leaving")
        task.cancel()
        await asyncio.wait({task}, timeout=TIDY_SECONDS / 2)
        return 1
    await task
    return 0


def _leave_within(seconds: float) -> None:
    """End the process after so long even if threads, which Python waits for, do not end."""

    def leave() -> None:
        print("threads have not ended, leaving", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(1)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
